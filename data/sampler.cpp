#include "data/sampler.h"

#include <cmath>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/philox.h"
#include "data/micro_batch.h"
#include "data/step_memory.h"
#include "data/token_store.h"

namespace phidias::data {
struct Sampler::Impl {
  struct Source {
    std::shared_ptr<const TokenStore> store;
    double weight = 1.0;
    std::int64_t documents = 0;
    std::uint64_t first_record_id = 0;
    bool whole_passes = true;  // an integer weight: every epoch holds whole passes
  };

  // Which part of each source's endless sequence of passes an epoch holds.
  struct Epoch {
    std::int64_t number = -1, records = 0;
    std::vector<std::int64_t> first, end;  // per source: first virtual record, and the running sum of record counts
    PhiloxKey key;
  };

  std::vector<Source> sources;
  SamplerOptions options;
  std::mutex mutex;
  StepMemory<DataPosition> memory;
  Epoch epoch;

  // Virtual records of source s before epoch e: floor(e * weight * documents), so that parts add up over epochs.
  std::int64_t records_before(const Source& source, std::int64_t e) const {
    if (source.whole_passes) return e * static_cast<std::int64_t>(source.weight) * source.documents;
    return static_cast<std::int64_t>(std::floor(static_cast<long double>(e) * source.weight * static_cast<long double>(source.documents) + 1e-9L));
  }

  Epoch make_epoch(std::int64_t number) const {
    Epoch result;
    result.number = number;
    for (const Source& source : sources) {
      result.first.push_back(records_before(source, number));
      result.records += records_before(source, number + 1) - result.first.back();
      result.end.push_back(result.records);
    }
    result.key = philox_key(static_cast<std::uint64_t>(options.seed), RandomSite::shuffle, static_cast<std::uint64_t>(number));
    return result;
  }

  DocumentRef record(const Epoch& of, std::int64_t offset) const {
    std::int64_t slot = offset;
    if (options.shuffle) slot = static_cast<std::int64_t>(philox_permute(of.key, static_cast<std::uint64_t>(of.records), static_cast<std::uint64_t>(offset)));
    std::size_t s = 0;
    while (slot >= of.end[s]) ++s;
    const Source& source = sources[s];
    const std::int64_t virtual_record = of.first[s] + slot - (s == 0 ? 0 : of.end[s - 1]);
    std::int64_t document = virtual_record % source.documents;
    if (options.shuffle && !source.whole_passes) {  // which documents a part holds is drawn too, once per pass
      const PhiloxKey key =
          philox_key(static_cast<std::uint64_t>(options.seed), RandomSite::shuffle, static_cast<std::uint64_t>(virtual_record / source.documents), s + 1);
      document = static_cast<std::int64_t>(philox_permute(key, static_cast<std::uint64_t>(source.documents), static_cast<std::uint64_t>(document)));
    }
    return {source.store.get(), document, source.first_record_id + static_cast<std::uint64_t>(document)};
  }

  // The records of the step that starts at `position`, which moves to the next step.
  std::vector<DocumentRef> take(DataPosition& position) {
    std::vector<DocumentRef> records;
    std::int64_t tokens = 0;
    for (;;) {
      if (epoch.number != position.epoch) epoch = make_epoch(position.epoch);
      if (position.offset >= epoch.records) {
        ++position.epoch;
        position.offset = 0;
        continue;
      }
      if (options.batch.documents > 0 && static_cast<std::int64_t>(records.size()) == options.batch.documents) break;
      const DocumentRef next = record(epoch, position.offset);
      if (options.batch.tokens > 0 && !records.empty() && tokens + next.length() > options.batch.tokens) break;
      records.push_back(next);
      tokens += next.length();
      ++position.offset;
    }
    ++position.step;
    position.tokens += tokens;
    position.documents += static_cast<std::int64_t>(records.size());
    return records;
  }

  DataPosition position_before(std::int64_t step) {
    return memory.before(step, [this](DataPosition& position) { take(position); });
  }
};

Sampler::Sampler(std::vector<WeightedStore> sources, SamplerOptions options) : impl_(std::make_unique<Impl>()) {
  if ((options.batch.documents > 0) == (options.batch.tokens > 0)) throw ConfigError("batch: give exactly one of documents and tokens");
  if (options.batch.micro_tokens <= 0) throw ConfigError("batch.micro_tokens: must be positive");
  impl_->options = std::move(options);
  std::uint64_t record_id = 0;
  double records = 0;
  for (WeightedStore& weighted : sources) {
    if (!(weighted.weight >= 0) || !std::isfinite(weighted.weight)) throw ConfigError("data: a weight is a number of passes per epoch, 0 or more");
    const std::int64_t documents = weighted.store->documents();
    impl_->sources.push_back({std::move(weighted.store), weighted.weight, documents, record_id, weighted.weight == std::floor(weighted.weight)});
    record_id += static_cast<std::uint64_t>(documents);
    records += weighted.weight * static_cast<double>(documents);
  }
  if (records <= 0) throw DataError("no documents to train on: every source is empty or has weight 0");
}

Sampler::~Sampler() = default;

GlobalBatch Sampler::global_batch(std::int64_t step) {
  std::vector<DocumentRef> records;
  {
    const std::lock_guard lock(impl_->mutex);
    DataPosition position = impl_->position_before(step);
    records = impl_->take(position);
    impl_->memory.remember(position);
  }
  const SamplerOptions& options = impl_->options;
  const PackingLimits limits{options.batch.micro_tokens, options.batch.micro_documents, options.packing};
  return make_global_batch(step, records, limits, options.original_max_positions, options.data_rank, options.data_size);
}

DataPosition Sampler::position_after(std::int64_t step) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->position_before(step + 1);
}

void Sampler::restore(const DataPosition& position) {
  if (position.step < 0 || position.epoch < 0 || position.offset < 0) throw CheckpointError("the checkpoint's data position is negative");
  const std::lock_guard lock(impl_->mutex);
  impl_->memory.restart(position);
}

std::int64_t Sampler::records_in_epoch(std::int64_t epoch) const { return impl_->make_epoch(epoch).records; }

double Sampler::epochs_at(const DataPosition& position) const {
  const std::int64_t records = records_in_epoch(position.epoch);
  return static_cast<double>(position.epoch) + (records > 0 ? static_cast<double>(position.offset) / static_cast<double>(records) : 0.0);
}

std::string Sampler::describe_record(std::uint64_t record_id) const {
  for (const Impl::Source& source : impl_->sources) {
    if (record_id >= source.first_record_id && record_id - source.first_record_id < static_cast<std::uint64_t>(source.documents)) {
      return source.store->describe(static_cast<std::int64_t>(record_id - source.first_record_id));
    }
  }
  return "record " + std::to_string(record_id);
}

}  // namespace phidias::data
