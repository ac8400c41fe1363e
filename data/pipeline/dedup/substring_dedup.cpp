#include "data/pipeline/dedup/substring_dedup.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/repeated_windows.h"

namespace phidias::data::pipeline {
namespace {

constexpr char kSeparator = '\xff';

struct UnitPlace {
  std::int64_t first = 0, documents = 0, bytes = 0, rank = 0;  // bytes: with a separator behind each document
};

// Texts that are compared with each other, in the order of the input, on one rank.
struct Problem {
  std::string source;
  std::vector<UnitPlace> units;
  std::int64_t bytes = 0;
  int rank = 0;
  std::string text;                  // at `rank`
  std::vector<std::string> answers;  // there, per unit: a record list of spans
};

// Collective: every rank's view of all problems and where they are solved.
std::vector<Problem> arranged_problems(const Collected& collected, DedupScope scope) {
  parallel::Communicator& group = *collected.group;
  RecordList mine;
  for (const CollectedUnit& unit : collected.units) {
    const auto documents = static_cast<std::int64_t>(unit.records.size());
    const UnitPlace place{unit.first_document, documents, static_cast<std::int64_t>(unit.records.content().size()) + documents, group.rank()};
    mine.add(std::string(reinterpret_cast<const char*>(&place), sizeof place) + (scope == DedupScope::source ? unit.source : std::string()));
  }
  std::map<std::string, Problem> by_source;
  for (const std::string& bytes : parallel::all_gather_strings(group, mine.bytes())) {
    const RecordListView theirs(bytes);
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      UnitPlace place;
      std::memcpy(&place, theirs[i].data(), sizeof place);
      Problem& problem = by_source[std::string(theirs[i].substr(sizeof place))];
      problem.units.push_back(place);
      problem.bytes += place.bytes;
    }
  }
  std::vector<Problem> problems;
  for (auto& [source, problem] : by_source) {
    problem.source = source;
    std::sort(problem.units.begin(), problem.units.end(),
              [](const UnitPlace& a, const UnitPlace& b) { return std::pair(a.first, a.documents) < std::pair(b.first, b.documents); });
    problems.push_back(std::move(problem));
  }
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) { return a.bytes > b.bytes; });
  std::vector<std::int64_t> load(static_cast<std::size_t>(group.size()), 0);
  for (Problem& problem : problems) {
    const auto least = std::min_element(load.begin(), load.end());
    problem.rank = static_cast<int>(least - load.begin());
    *least += problem.bytes;
  }
  return problems;
}

// Of the rank that needs most: all its texts, and the suffix array of the largest.
std::int64_t needed_bytes(std::span<const Problem> problems, int ranks) {
  std::vector<std::int64_t> texts(static_cast<std::size_t>(ranks), 0), arrays(static_cast<std::size_t>(ranks), 0);
  std::int64_t most = 0;
  for (const Problem& problem : problems) {
    const auto rank = static_cast<std::size_t>(problem.rank);
    texts[rank] += problem.bytes;
    arrays[rank] = std::max(arrays[rank], repeated_spans_bytes(problem.bytes));
    most = std::max(most, texts[rank] + arrays[rank]);
  }
  return most;
}

std::string separated_texts(const CollectedUnit& unit) {
  std::string text;
  text.reserve(unit.records.content().size() + unit.records.size());
  for (std::size_t i = 0; i < unit.records.size(); ++i) (text += unit.records[i]) += kSeparator;
  return text;
}

// Units of a rank, found by number. Empty units have nothing to say and are passed over.
const CollectedUnit* find_unit(std::span<const CollectedUnit> units, const UnitPlace& place) {
  for (const CollectedUnit& unit : units)
    if (unit.first_document == place.first && !(unit.records.size() == 0)) return &unit;
  return nullptr;
}

// Not collective, but every rank passes the units in the same order, so that each send meets its receive.
void gather_texts(const Collected& collected, std::span<Problem> problems) {
  parallel::Communicator& group = *collected.group;
  for (Problem& problem : problems) {
    if (problem.rank == group.rank()) problem.text.reserve(static_cast<std::size_t>(problem.bytes));
    for (const UnitPlace& place : problem.units) {
      if (place.documents == 0) continue;
      if (place.rank == group.rank()) {
        const std::string text = separated_texts(*find_unit(collected.units, place));
        if (problem.rank == group.rank())
          problem.text += text;
        else
          group.send(text.data(), place.bytes, parallel::DataType::uint8, problem.rank);
      } else if (problem.rank == group.rank()) {
        const std::size_t before = problem.text.size();
        problem.text.resize(before + static_cast<std::size_t>(place.bytes));
        group.receive(problem.text.data() + before, place.bytes, parallel::DataType::uint8, static_cast<int>(place.rank));
      }
    }
  }
}

void solve(Problem& problem, const SubstringDedup::Config& config) {
  const std::string_view text = problem.text;
  const std::vector<ByteSpan> spans = repeated_spans(text, static_cast<std::size_t>(config.minimum_bytes), config.remove == RemovedCopies::all);
  auto span = spans.begin();
  std::size_t begin = 0;
  std::string decision;
  for (const UnitPlace& place : problem.units) {
    RecordList answers;
    for (std::int64_t i = 0; i < place.documents; ++i) {
      const std::size_t end = text.find(kSeparator, begin);
      decision.clear();
      for (; span != spans.end() && span->begin < end; ++span) {  // spans hold no separator
        const ByteSpan cut = snapped(text.substr(begin, end - begin), {span->begin - begin, span->end - begin}, config.cut_at == CutAt::words);
        if (cut.begin < cut.end) decision.append(reinterpret_cast<const char*>(&cut), sizeof cut);
      }
      answers.add(decision);
      begin = end + 1;
    }
    problem.answers.push_back(answers.bytes());
  }
  problem.text = {};
}

void return_answers(const Collected& collected, std::span<Problem> problems, std::span<RecordList> decisions) {
  parallel::Communicator& group = *collected.group;
  for (Problem& problem : problems) {
    for (std::size_t u = 0; u < problem.units.size(); ++u) {
      const UnitPlace& place = problem.units[u];
      const bool here = place.rank == group.rank();
      if (place.documents == 0 || (!here && problem.rank != group.rank())) continue;
      std::string bytes = problem.rank == group.rank() ? problem.answers[u] : std::string();
      auto size = static_cast<std::int64_t>(bytes.size());
      if (!here) {
        group.send(&size, 1, parallel::DataType::int64, static_cast<int>(place.rank));
        group.send(bytes.data(), size, parallel::DataType::uint8, static_cast<int>(place.rank));
        continue;
      }
      if (problem.rank != group.rank()) {
        group.receive(&size, 1, parallel::DataType::int64, problem.rank);
        bytes.resize(static_cast<std::size_t>(size));
        group.receive(bytes.data(), size, parallel::DataType::uint8, problem.rank);
      }
      const RecordListView answers(bytes);
      const auto unit = static_cast<std::size_t>(find_unit(collected.units, place) - collected.units.data());
      for (std::size_t i = 0; i < answers.size(); ++i) decisions[unit].add(answers[i]);
    }
  }
}

}  // namespace

void SubstringDedup::collect(const Document& document, std::string& record) const {
  if (document.text().find(kSeparator) == std::string::npos) record += document.text();  // a text that is no UTF-8 is not compared
}

std::int64_t SubstringDedup::resolve_bytes(std::int64_t documents, std::int64_t bytes, int) const {
  return bytes + documents + repeated_spans_bytes(bytes + documents);  // one source may hold all
}

void SubstringDedup::resolve(const Collected& collected, std::span<RecordList> decisions) {
  std::vector<Problem> problems = arranged_problems(collected, config_.scope);
  const std::int64_t needed = needed_bytes(problems, collected.group->size());
  if (memory_bytes_ > 0 && needed > memory_bytes_)
    throw ConfigError(name() + " needs " + std::to_string(needed) + " bytes of memory on one rank and may take " + std::to_string(memory_bytes_) +
                      " (work.memory_bytes); use scope: source, cut the input, or put minhash before it");
  gather_texts(collected, problems);
  for (Problem& problem : problems)
    if (problem.rank == collected.group->rank()) solve(problem, config_);
  return_answers(collected, problems, decisions);
  notes_.emplace_back("memory_bytes_needed", std::to_string(needed));
}

void SubstringDedup::apply(Document& document, std::string_view decision) const {
  const std::string& text = document.text();
  std::string kept;
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < decision.size() / sizeof(ByteSpan); ++i) {
    ByteSpan cut{};
    std::memcpy(&cut, decision.data() + i * sizeof cut, sizeof cut);
    if (cut.begin < at || cut.end < cut.begin || cut.end > text.size())
      throw DataError(name() + ": the text of " + document.id + " is not the one that was compared");
    kept.append(text, at, cut.begin - at);
    at = cut.end;
  }
  kept.append(text, at);
  const auto removed = static_cast<double>(text.size() - kept.size());
  const double share = removed / static_cast<double>(text.size());
  const bool nothing_left = kept.find_first_not_of(" \t\n\v\f\r") == std::string::npos;
  document.annotations().set(qualified("removed_bytes"), removed);
  document.annotations().set(qualified("removed_share"), share);
  document.set_text(std::move(kept));
  if (nothing_left) return document.drop("empty");
  if (share > config_.drop_above) document.drop("mostly_duplicate");
}

}  // namespace phidias::data::pipeline
