// Reduces the gradients that are whole on every rank, in buckets that start while backward still runs.
//
// Where a unit is not sharded, its gradients are summed over the ranks that hold the same parameters (all-reduce); the memory of consecutive such units
// is cut into ranges of about `bytes` (the first one small, so that communication begins early). Where it is sharded (level optimizer), a unit is a
// bucket and every rank receives the sums of its own part (reduce-scatter, in place). In the last micro-batch of a step a bucket starts when all of its
// parameters reported and every earlier bucket has started: the order of collectives is the same on all ranks whatever order gradients arrive in.
// finish() gives zeros to parameters that nothing used, starts what is left and waits.
//
//   buckets.arm();                  // before the last micro-batch's backward
//   loss.backward();                // gradient_ready is called, possibly on autograd's device thread
//   buckets.finish();               // collective; afterwards UnitState::own_gradients hold the sums
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernels/parameter.h"
#include "parallel/communicator.h"
#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

struct BucketSizes {
  std::int64_t bytes = 25 << 20, first_bytes = 1 << 20;
};

class GradientBuckets : public kernels::GradientListener {
 public:
  // Registers itself as the listener of every parameter with a whole gradient. `parameters` outlive it.
  GradientBuckets(FlatParameters& parameters, const BucketSizes& sizes);
  ~GradientBuckets() override;
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  void arm();
  void gradient_ready(kernels::Parameter& parameter) override;
  void finish();
  std::size_t count() const { return buckets_.size(); }
  std::size_t started_in_backward() const { return started_in_backward_; }  // of the last step; a measure of overlap

 private:
  struct Bucket {
    parallel::Communicator* ranks = nullptr;
    UnitState* scattered = nullptr;   // null: summed on every rank
    std::int64_t begin = 0, end = 0;  // elements of the memory of whole gradients
    int parameters = 0, waiting = 0;
    std::unique_ptr<parallel::Work> work;
  };
  void add_summed(UnitState& state, const BucketSizes& sizes);
  void start(Bucket& bucket);
  void start_ready_buckets();

  FlatParameters& parameters_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const kernels::Parameter*, std::size_t> bucket_of_;
  std::size_t next_ = 0, started_in_backward_ = 0;
  bool armed_ = false;
};

}  // namespace phidias::trainer
