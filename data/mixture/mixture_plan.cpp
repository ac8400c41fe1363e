#include "data/mixture/mixture_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/philox.h"

namespace phidias::data::mixture {
namespace {

using Identities = std::vector<std::uint64_t>;  // sorted, distinct

std::string counted(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string rounded(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", number);
  return text;
}

std::int64_t common(const Identities& a, const Identities& b) {
  std::int64_t count = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j)
      ++count, ++i, ++j;
    else if (*i < *j)
      ++i;
    else
      ++j;
  }
  return count;
}

Identities merged(const Identities& a, const Identities& b) {
  Identities all;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

// Whole tokens for each share that add up to `tokens`: rounded down, what is left to the first ones.
std::vector<std::int64_t> quotas(std::int64_t tokens, const configs::Named<PhaseSource>& sources) {
  long double sum = 0;
  for (const auto& [name, source] : sources) sum += source.weight;
  std::vector<std::int64_t> result;
  std::int64_t left = tokens;
  for (const auto& [name, source] : sources) {
    result.push_back(static_cast<std::int64_t>(std::floor(static_cast<long double>(tokens) * source.weight / sum)));
    left -= result.back();
  }
  for (std::size_t s = 0; left > 0; s = (s + 1) % result.size(), --left) ++result[s];
  return result;
}

class Planner {
 public:
  Planner(const MixtureConfig& config, std::vector<MixtureSource> sources, const PlanOptions& options) : config_(config), options_(options) {
    plan_.seed = config.seed.value_or(options.seed);
    plan_.shuffle = options.shuffle;
    plan_.sources = std::move(sources);
  }

  MixturePlan run() {
    for (const Phase& phase : config_.phases) {
      add(phase);
      if (!problems_.empty()) throw ConfigError(problems_);  // later phases follow from this one's documents
      finish(phase);
    }
    for (MixtureSource& source : plan_.sources) source.forget_columns();
    return std::move(plan_);
  }

 private:
  // What an earlier phase used, source by source.
  struct Used {
    std::string phase, source;
    double epochs = 0;
    Identities identities;
  };

  void problem(const Phase& phase, const std::string& source, const std::string& text) {
    problems_ += (problems_.empty() ? "" : "\n") + config_.file + ": phase " + phase.name + ", source " + source + ": " + text;
  }

  static bool is_disjoint(const Phase& phase, const std::string& earlier) {
    return std::find(phase.disjoint_from.begin(), phase.disjoint_from.end(), earlier) != phase.disjoint_from.end();
  }

  void add(const Phase& phase) {
    PlannedPhase planned{
        .name = phase.name, .quota = phase.tokens, .context = phase.context > 0 ? phase.context : options_.max_length, .sources = {}, .order = {}};
    const std::vector<std::int64_t> quota = quotas(phase.tokens, phase.sources);
    Identities excluded;
    for (const Used& used : used_)
      if (is_disjoint(phase, used.phase)) excluded = merged(excluded, used.identities);
    for (std::size_t s = 0; s < phase.sources.size(); ++s) {
      const auto& [name, entry] = phase.sources[s];
      const std::size_t index = index_of(name);
      try {
        PlannedSource from{.name = name,
                           .source = index,
                           .share = static_cast<double>(quota[s]) / static_cast<double>(phase.tokens),
                           .max_epochs = entry.max_epochs,
                           .quota = quota[s],
                           .pool = DocumentPool(plan_.sources[index], {.where = entry.where,
                                                                       .context = planned.context,
                                                                       .excluded = entry.reuse_epochs ? std::span<const std::uint64_t>() : excluded,
                                                                       .identity = config_.identity})};
        from.pool.number_records_from(first_record_of(index));
        if (check_supply(phase, from)) {
          take(plan_.phases.size(), from);
          check_reuse(phase, entry, from);
        }
        planned.sources.push_back(std::move(from));
      } catch (const ConfigError& error) {
        problem(phase, name, error.what());
      }
    }
    plan_.phases.push_back(std::move(planned));
  }

  std::size_t index_of(const std::string& name) const {
    return static_cast<std::size_t>(
        std::find_if(plan_.sources.begin(), plan_.sources.end(), [&](const MixtureSource& source) { return source.name() == name; }) - plan_.sources.begin());
  }

  std::uint64_t first_record_of(std::size_t source) const {
    std::uint64_t first = 0;
    for (std::size_t s = 0; s < source; ++s) first += static_cast<std::uint64_t>(plan_.sources[s].documents());
    return first;
  }

  // False when the source cannot give what the phase asks of it.
  bool check_supply(const Phase& phase, const PlannedSource& from) {
    const std::string left_out =
        counted(from.pool.outside()) + " do not fit `where`, " + counted(from.pool.excluded()) + " are used by a phase it is disjoint from";
    const std::int64_t documents = plan_.sources[from.source].documents();
    if (from.pool.draws() == 0) {
      problem(phase, from.name, "no document is left of " + counted(documents) + ": " + left_out);
      return false;
    }
    const double epochs = static_cast<double>(from.quota) / static_cast<double>(from.pool.tokens());
    if (static_cast<long double>(from.quota) <= static_cast<long double>(from.max_epochs) * static_cast<long double>(from.pool.tokens())) return true;
    problem(phase, from.name,
            counted(from.quota) + " tokens are " + rounded(epochs) + " epochs of the " + counted(from.pool.tokens()) + " unique tokens that it may take (of " +
                counted(documents) + " documents " + left_out + "), max_epochs is " + rounded(from.max_epochs) +
                "; lower tokens or weight, choose more documents, or raise max_epochs");
    return false;
  }

  // Counts the draws that reach the quota: whole epochs, then one by one.
  void take(std::size_t phase, PlannedSource& from) const {
    const std::int64_t whole = from.quota / from.pool.tokens();
    from.draws = whole * from.pool.draws();
    from.tokens = whole * from.pool.tokens();
    while (from.tokens < from.quota) from.tokens += plan_.draw(phase, from, from.draws++).length();
  }

  void check_reuse(const Phase& phase, const PhaseSource& entry, const PlannedSource& from) {
    if (used_.empty()) return;
    const Identities pool = from.pool.identities();
    double passes = from.epochs();
    std::string earlier;
    for (const Used& used : used_) {
      const std::int64_t again = common(pool, used.identities);
      if (again == 0) continue;
      passes += used.epochs;
      earlier +=
          (earlier.empty() ? "" : ", ") + counted(again) + " by phase " + used.phase + " (source " + used.source + ", " + rounded(used.epochs) + " epochs)";
    }
    if (earlier.empty()) return;
    if (!entry.reuse_epochs)
      problem(phase, from.name,
              "of the documents it may take, earlier phases use " + earlier + "; leave them out with `disjoint_from`, or declare `reuse_epochs`");
    else if (passes > *entry.reuse_epochs * (1 + 1e-9))
      problem(
          phase, from.name,
          "with what earlier phases use (" + earlier + ") its documents come " + rounded(passes) + " times, reuse_epochs is " + rounded(*entry.reuse_epochs));
  }

  Identities identities_of(std::size_t phase, const PlannedSource& from) const {
    if (from.draws >= from.pool.draws()) return from.pool.identities();
    Identities identities;
    for (std::int64_t c = 0; c < from.draws; ++c) {
      const DocumentRef ref = plan_.draw(phase, from, c);
      const std::uint64_t in_mixture = ref.record_id & ((std::uint64_t{1} << DocumentPool::kPieceBit) - 1);
      const auto document = static_cast<std::int64_t>(in_mixture - first_record_of(from.source));
      const auto [shard, in_shard] = plan_.sources[from.source].locate(document);
      identities.push_back((config_.identity == Identity::id ? shard->columns.ids() : shard->columns.texts())[static_cast<std::size_t>(in_shard)]);
    }
    std::sort(identities.begin(), identities.end());
    identities.erase(std::unique(identities.begin(), identities.end()), identities.end());
    return identities;
  }

  // Sums, order, and what later phases must know.
  void finish(const Phase& phase) {
    const std::size_t index = plan_.phases.size() - 1;
    PlannedPhase& planned = plan_.phases.back();
    Hasher order;
    order.update(index > 0 ? plan_.phases[index - 1].order : "mixture 1").update("\n" + phase.name + "\n");
    for (const std::int64_t value : {plan_.seed, static_cast<std::int64_t>(plan_.shuffle), phase.tokens}) order.update(&value, sizeof(value));
    std::vector<Used> used_here;
    for (const PlannedSource& from : planned.sources) {
      planned.tokens += from.tokens;
      planned.documents += from.draws;
      order.update(from.name + "\n").update(from.pool.content_hash().hex());
      for (const std::int64_t value : {static_cast<std::int64_t>(from.source), from.quota, from.draws}) order.update(&value, sizeof(value));
      used_here.push_back({phase.name, from.name, from.epochs(), identities_of(index, from)});
    }
    planned.order = order.digest().hex();
    plan_.tokens += planned.tokens;
    Identities all;
    for (const Used& used : used_here) {
      planned.shared += common(all, used.identities);
      all = merged(all, used.identities);
    }
    for (std::size_t p = 0; p < index; ++p) {
      Identities before;
      for (const Used& used : used_)
        if (used.phase == plan_.phases[p].name) before = merged(before, used.identities);
      plan_.overlaps.push_back({plan_.phases[p].name, phase.name, common(before, all), is_disjoint(phase, plan_.phases[p].name)});
    }
    for (Used& used : used_here) used_.push_back(std::move(used));
  }

  const MixtureConfig& config_;
  const PlanOptions& options_;
  MixturePlan plan_;
  std::vector<Used> used_;
  std::string problems_;
};

}  // namespace

DocumentRef MixturePlan::draw(std::size_t phase, const PlannedSource& from, std::int64_t number) const {
  const std::int64_t n = from.pool.draws(), epoch = number / n;
  auto index = static_cast<std::uint64_t>(number % n);
  if (shuffle) {
    const PhiloxKey key = philox_key(static_cast<std::uint64_t>(seed), RandomSite::shuffle, static_cast<std::uint64_t>(epoch), from.source + 1, phase + 1);
    index = philox_permute(key, static_cast<std::uint64_t>(n), index);
  }
  return from.pool.draw(static_cast<std::int64_t>(index));
}

MixturePlan plan_mixture(const MixtureConfig& config, std::vector<MixtureSource> sources, const PlanOptions& options) {
  return Planner(config, std::move(sources), options).run();
}

}  // namespace phidias::data::mixture
