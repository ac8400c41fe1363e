// The steps of a planned mixture: its phases one behind the other, each an even blend of its sources.
//
// Within a phase the next document comes from the source that is furthest behind, tokens drawn / tokens due (the first among equals), until every source has
// given what the plan says. So after any document of a phase the tokens of source s differ from its share of the phase's tokens so far by at most
//   max(L_s, share_s * sum of all L),   L_s = the longest document that the phase draws from s.
// A step takes the next N documents, or the next documents until T tokens would be exceeded, then packs and deals them as data/sampler.h does; a step that
// begins in one phase may end in the next. The last step is what is left. Order and content depend on the plan and the batch, never on the ranks.
#pragma once

#include <memory>

#include "data/batch_source.h"
#include "data/mixture/mixture_plan.h"
#include "data/sampler.h"

namespace phidias::data::mixture {

class MixtureSampler final : public BatchSource {
 public:
  // The seed and shuffle of `options` play no part: the plan has its own. Throws ConfigError as Sampler does.
  MixtureSampler(MixturePlan plan, SamplerOptions options);
  ~MixtureSampler() override;
  // Throws DataError behind the last step.
  GlobalBatch global_batch(std::int64_t step) override;
  DataPosition position_after(std::int64_t step) override;
  // Throws CheckpointError when the position belongs to another mixture, or to another order of it (later phases may have changed).
  void restore(const DataPosition& position) override;
  double epochs_at(const DataPosition& position) const override;
  std::string describe_record(std::uint64_t record_id) const override;
  const MixturePlan& plan() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace phidias::data::mixture
