// One pass over one source in file order: what an evaluation on a held-out file reads.
//
//   SinglePass pass(validation.store, options, max_documents);
//   for (std::int64_t i = 0; i < pass.steps(); ++i) sum += engine.evaluate(objective, pass.batch(i));
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/batch.h"
#include "data/sampler.h"

namespace phidias::data {

class SinglePass {
 public:
  // Of `options` packing, micro limits, original_max_positions and the rank count; a step fills about one micro-batch per rank. `max_documents` 0: all.
  SinglePass(std::shared_ptr<const TokenStore> store, SamplerOptions options, std::int64_t max_documents = 0);
  // The same on every rank.
  std::int64_t steps() const { return static_cast<std::int64_t>(first_.size()) - 1; }
  GlobalBatch batch(std::int64_t step) const;
  std::int64_t documents() const { return first_.back(); }

 private:
  std::shared_ptr<const TokenStore> store_;
  SamplerOptions options_;
  std::vector<std::int64_t> first_;  // first document of each step, and the end
};

}  // namespace phidias::data
