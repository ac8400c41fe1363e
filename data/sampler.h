// A step is a pure function of the data and its number (docs/design: "Steps").
//
// Epoch e is the concatenated sources (weights applied) permuted by a keyed permutation of (seed, e), or in order without shuffling. A step takes
// the next N records, or the next records until T tokens would be exceeded; only then are they best-fit packed into bins of at most
// micro_tokens and dealt to ranks. World size changes nothing but the dealing.
//
//   Sampler sampler(sources, options);
//   GlobalBatch batch = sampler.global_batch(state.step);      // this rank's part; steps in order are cheap, any step is allowed
//   state.data = sampler.position_after(state.step);           // goes into the checkpoint
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/batch_source.h"

namespace phidias::data {

class TokenStore;  // data/token_store.h: tokenised records of one source

struct SamplerOptions {
  std::int64_t seed = 0;
  bool shuffle = true;
  configs::BatchSection batch;  // documents or tokens; micro_tokens and micro_documents resolved (micro_tokens > 0)
  bool packing = true;
  std::int64_t original_max_positions = 0;  // > 0: documents longer than this use the long rotary factors
  int data_rank = 0, data_size = 1;
};

struct WeightedStore {
  std::shared_ptr<const TokenStore> store;
  double weight = 1.0;
};

class Sampler final : public BatchSource {
 public:
  Sampler(std::vector<WeightedStore> sources, SamplerOptions options);
  ~Sampler() override;
  GlobalBatch global_batch(std::int64_t step) override;
  DataPosition position_after(std::int64_t step) override;
  void restore(const DataPosition& position) override;
  std::int64_t records_in_epoch(std::int64_t epoch) const;
  double epochs_at(const DataPosition& position) const override;
  std::string describe_record(std::uint64_t record_id) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace phidias::data
