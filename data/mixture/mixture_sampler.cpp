#include "data/mixture/mixture_sampler.h"

#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "data/micro_batch.h"
#include "data/step_memory.h"

namespace phidias::data::mixture {
namespace {

__extension__ using Wide = __int128;  // products of token counts

// Before a step: how far each source of the present phase is.
struct Cursor {
  std::int64_t step = 0;
  std::size_t phase = 0;
  std::vector<std::int64_t> draws, tokens;         // by source of the phase; empty: none yet
  std::int64_t all_tokens = 0, all_documents = 0;  // of all phases
};

}  // namespace

struct MixtureSampler::Impl {
  MixturePlan plan;
  SamplerOptions options;
  std::mutex mutex;
  StepMemory<Cursor> memory;

  // The source furthest behind, or nothing when the phase is drawn.
  std::optional<std::size_t> next_source(const Cursor& at) const {
    const std::vector<PlannedSource>& sources = plan.phases[at.phase].sources;
    std::optional<std::size_t> best;
    for (std::size_t s = 0; s < sources.size(); ++s) {
      if (at.draws[s] == sources[s].draws) continue;
      if (!best || Wide{at.tokens[s]} * sources[*best].quota < Wide{at.tokens[*best]} * sources[s].quota) best = s;
    }
    return best;
  }

  void enter(Cursor& at, std::size_t phase) const {
    at.phase = phase;
    at.draws.assign(plan.phases[phase].sources.size(), 0);
    at.tokens.assign(plan.phases[phase].sources.size(), 0);
  }

  // The documents of the step that begins at `at`, which moves to the next one; none when the mixture is over.
  std::vector<DocumentRef> take(Cursor& at) const {
    std::vector<DocumentRef> documents;
    std::int64_t tokens = 0;
    if (at.draws.empty()) enter(at, at.phase);
    for (;;) {
      if (options.batch.documents > 0 && static_cast<std::int64_t>(documents.size()) == options.batch.documents) break;
      const std::optional<std::size_t> s = next_source(at);
      if (!s) {
        if (at.phase + 1 == plan.phases.size()) break;
        if (options.batch.tokens > 0 && tokens >= options.batch.tokens) break;  // the next phase begins with the next step
        enter(at, at.phase + 1);
        continue;
      }
      const DocumentRef next = plan.draw(at.phase, plan.phases[at.phase].sources[*s], at.draws[*s]);
      if (options.batch.tokens > 0 && !documents.empty() && tokens + next.length() > options.batch.tokens) break;
      documents.push_back(next);
      tokens += next.length();
      ++at.draws[*s];
      at.tokens[*s] += next.length();
    }
    ++at.step;
    at.all_tokens += tokens;
    at.all_documents += static_cast<std::int64_t>(documents.size());
    return documents;
  }

  Cursor before(std::int64_t step) {
    return memory.before(step, [this](Cursor& at) { take(at); });
  }

  DataPosition position_of(const Cursor& at) const {
    DataPosition position{.step = at.step, .epoch = static_cast<std::int64_t>(at.phase), .tokens = at.all_tokens, .documents = at.all_documents};
    position.phase = plan.phases[at.phase].name;
    position.order = plan.phases[at.phase].order;
    for (std::size_t p = 0; p <= at.phase; ++p) {
      const PlannedPhase& phase = plan.phases[p];
      for (std::size_t s = 0; s < phase.sources.size(); ++s) {
        const PlannedSource& from = phase.sources[s];
        const bool present = p == at.phase;
        const std::int64_t draws = !present ? from.draws : at.draws.empty() ? 0 : at.draws[s];
        const std::int64_t tokens = !present ? from.tokens : at.tokens.empty() ? 0 : at.tokens[s];
        position.sources.push_back({phase.name, from.name, draws, tokens, static_cast<double>(draws) / static_cast<double>(from.pool.draws())});
        if (present) position.offset += draws;
      }
    }
    return position;
  }

  // Throws CheckpointError when `position` is none of this mixture's.
  Cursor cursor_at(const DataPosition& position) const {
    Cursor at{.step = position.step,
              .phase = static_cast<std::size_t>(position.epoch),
              .draws = {},
              .tokens = {},
              .all_tokens = position.tokens,
              .all_documents = position.documents};
    if (position.step < 0 || position.epoch < 0 || at.phase >= plan.phases.size() || plan.phases[at.phase].name != position.phase)
      throw CheckpointError("the checkpoint stands in phase '" + position.phase + "', which the mixture does not have there; use the mixture it began with");
    const PlannedPhase& phase = plan.phases[at.phase];
    if (phase.order != position.order)
      throw CheckpointError("the checkpoint's documents up to phase " + phase.name +
                            " came in another order: the mixture's phases until then, its sources, the seed or the context changed; put them back, or choose "
                            "another run.output");
    for (const SourceProgress& progress : position.sources)
      if (progress.phase == phase.name) {
        const std::size_t s = at.draws.size();
        if (s >= phase.sources.size() || phase.sources[s].name != progress.source || progress.documents < 0 || progress.documents > phase.sources[s].draws)
          throw CheckpointError("the checkpoint's data position does not fit phase " + phase.name);
        at.draws.push_back(progress.documents);
        at.tokens.push_back(progress.tokens);
      }
    if (at.draws.size() != phase.sources.size()) throw CheckpointError("the checkpoint's data position lacks sources of phase " + phase.name);
    return at;
  }
};

MixtureSampler::MixtureSampler(MixturePlan plan, SamplerOptions options) : impl_(std::make_unique<Impl>()) {
  if ((options.batch.documents > 0) == (options.batch.tokens > 0)) throw ConfigError("batch: give exactly one of documents and tokens");
  if (options.batch.micro_tokens <= 0) throw ConfigError("batch.micro_tokens: must be positive");
  impl_->plan = std::move(plan);
  impl_->options = std::move(options);
}

MixtureSampler::~MixtureSampler() = default;

const MixturePlan& MixtureSampler::plan() const { return impl_->plan; }

GlobalBatch MixtureSampler::global_batch(std::int64_t step) {
  std::vector<DocumentRef> documents;
  {
    const std::lock_guard lock(impl_->mutex);
    Cursor at = impl_->before(step);
    documents = impl_->take(at);
    impl_->memory.remember(at);
  }
  if (documents.empty()) throw DataError("the mixture is drawn to its end before step " + std::to_string(step + 1));
  const SamplerOptions& options = impl_->options;
  const PackingLimits limits{options.batch.micro_tokens, options.batch.micro_documents, options.packing};
  return make_global_batch(step, documents, limits, options.original_max_positions, options.data_rank, options.data_size);
}

DataPosition MixtureSampler::position_after(std::int64_t step) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->position_of(impl_->before(step + 1));
}

void MixtureSampler::restore(const DataPosition& position) {
  const std::lock_guard lock(impl_->mutex);
  impl_->memory.restart(position.step == 0 ? Cursor{} : impl_->cursor_at(position));
}

double MixtureSampler::epochs_at(const DataPosition& position) const { return static_cast<double>(position.tokens) / static_cast<double>(impl_->plan.tokens); }

std::string MixtureSampler::describe_record(std::uint64_t record_id) const {
  const std::uint64_t piece = record_id >> DocumentPool::kPieceBit;
  auto document = static_cast<std::int64_t>(record_id & ((std::uint64_t{1} << DocumentPool::kPieceBit) - 1));
  for (const MixtureSource& source : impl_->plan.sources) {
    if (document < source.documents()) return source.describe(document) + (piece > 0 ? ", part " + std::to_string(piece + 1) : "");
    document -= source.documents();
  }
  return "record " + std::to_string(record_id);
}

}  // namespace phidias::data::mixture
