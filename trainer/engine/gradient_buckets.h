// Sums gradients over ranks in buckets that start while backward still runs.
//
// The flat gradient is cut into consecutive ranges of about `bucket_bytes` (the first one small, so that communication begins early). In
// the last micro-batch of a step a bucket's all-reduce starts when all of its parameters reported and every earlier bucket has started:
// the order of collectives is the same on all ranks whatever order gradients arrive in. finish() gives zeros to parameters that nothing
// used, starts what is left and waits.
//
//   buckets.arm();                  // before the last micro-batch's backward
//   loss.backward();                // gradient_ready is called, possibly on autograd's device thread
//   buckets.finish();               // collective; afterwards the flat gradient holds the sums
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
  // Registers itself as the listener of every trainable parameter. All arguments outlive it.
  GradientBuckets(FlatParameters& parameters, parallel::Communicator& ranks, const BucketSizes& sizes);
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
    std::int64_t begin = 0, end = 0;  // elements of the flat gradient
    int parameters = 0, waiting = 0;
    std::unique_ptr<parallel::Work> work;
  };
  void start_ready_buckets();

  FlatParameters& parameters_;
  parallel::Communicator& ranks_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const kernels::Parameter*, std::size_t> bucket_of_;
  std::size_t next_ = 0, started_in_backward_ = 0;
  bool armed_ = false;
};

}  // namespace phidias::trainer
