#include "trainer/engine/gradient_buckets.h"

namespace phidias::trainer {

GradientBuckets::GradientBuckets(FlatParameters& parameters, parallel::Communicator& ranks, const BucketSizes& sizes) : parameters_(parameters), ranks_(ranks) {
  constexpr std::int64_t kBytes = sizeof(float);
  for (const FlatSlot& slot : parameters.trainable()) {
    const std::int64_t limit = (buckets_.size() <= 1 ? sizes.first_bytes : sizes.bytes) / kBytes;
    if (buckets_.empty() || buckets_.back().end - buckets_.back().begin >= limit) {
      if (!buckets_.empty()) buckets_.back().end = slot.offset;  // the gap after a parameter belongs to its bucket
      buckets_.push_back({slot.offset, slot.offset, 0, 0, nullptr});
    }
    Bucket& bucket = buckets_.back();
    bucket.end = slot.offset + slot.count;
    ++bucket.parameters;
    bucket_of_[&slot.parameter()] = buckets_.size() - 1;
    slot.parameter().listener = this;
  }
}

GradientBuckets::~GradientBuckets() {
  for (const FlatSlot& slot : parameters_.trainable()) slot.parameter().listener = nullptr;
}

void GradientBuckets::arm() {
  for (Bucket& bucket : buckets_) bucket.waiting = bucket.parameters;
  next_ = 0;
  armed_ = true;
}

void GradientBuckets::gradient_ready(kernels::Parameter& parameter) {
  if (!armed_) return;
  --buckets_[bucket_of_.at(&parameter)].waiting;
  start_ready_buckets();
}

void GradientBuckets::start_ready_buckets() {
  for (; next_ < buckets_.size() && buckets_[next_].waiting <= 0; ++next_) {
    Bucket& bucket = buckets_[next_];
    float* const begin = parameters_.gradient().mutable_data_ptr<float>() + bucket.begin;
    bucket.work = ranks_.start_all_reduce(begin, bucket.end - bucket.begin, parallel::DataType::float32, parallel::ReduceOp::sum);
  }
}

void GradientBuckets::finish() {
  started_in_backward_ = armed_ ? next_ : 0;
  if (!armed_) arm();
  for (const FlatSlot& slot : parameters_.trainable())
    if (!slot.parameter().has_gradient) slot.parameter().gradient.zero_();
  for (Bucket& bucket : buckets_) bucket.waiting = 0;
  start_ready_buckets();
  for (Bucket& bucket : buckets_) {
    bucket.work->wait();
    bucket.work.reset();
  }
  armed_ = false;
}

}  // namespace phidias::trainer
