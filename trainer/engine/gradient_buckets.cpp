#include "trainer/engine/gradient_buckets.h"

namespace phidias::trainer {

GradientBuckets::GradientBuckets(FlatParameters& parameters, const BucketSizes& sizes) : parameters_(parameters) {
  for (UnitState& state : parameters.units()) {
    if (!state.gradients.defined()) continue;
    if (state.unit->level == configs::Shard::none) {
      add_summed(state, sizes);
      continue;
    }
    const std::int64_t begin = state.gradient_begin;
    buckets_.push_back({state.ranks, &state, begin, begin + state.unit->size, static_cast<int>(state.unit->slots.size()), 0, nullptr});
    for (const UnitSlot& slot : state.unit->slots) bucket_of_[&slot.parameter()] = buckets_.size() - 1;
  }
  for (const auto& [parameter, bucket] : bucket_of_) const_cast<kernels::Parameter*>(parameter)->listener = this;
}

// Goes on with the last bucket while it is small enough and of the same ranks.
void GradientBuckets::add_summed(UnitState& state, const BucketSizes& sizes) {
  constexpr std::int64_t kBytes = sizeof(float);
  for (const UnitSlot& slot : state.unit->slots) {
    const std::int64_t limit = (buckets_.size() <= 1 ? sizes.first_bytes : sizes.bytes) / kBytes, offset = state.gradient_begin + slot.offset;
    const bool fits = !buckets_.empty() && buckets_.back().scattered == nullptr && buckets_.back().ranks == state.ranks &&
                      buckets_.back().end - buckets_.back().begin < limit;
    if (fits)
      buckets_.back().end = offset + slot.count;  // the gap between parameters belongs to the bucket of both
    else
      buckets_.push_back({state.ranks, nullptr, offset, offset + slot.count, 0, 0, nullptr});
    ++buckets_.back().parameters;
    bucket_of_[&slot.parameter()] = buckets_.size() - 1;
  }
}

GradientBuckets::~GradientBuckets() {
  for (const auto& [parameter, bucket] : bucket_of_) const_cast<kernels::Parameter*>(parameter)->listener = nullptr;
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

void GradientBuckets::start(Bucket& bucket) {
  constexpr auto kType = parallel::DataType::float32;
  if (bucket.scattered == nullptr) {
    float* const begin = parameters_.whole_gradients().mutable_data_ptr<float>() + bucket.begin;
    bucket.work = bucket.ranks->start_all_reduce(begin, bucket.end - bucket.begin, kType, parallel::ReduceOp::sum);
  } else {
    UnitState& state = *bucket.scattered;
    bucket.work = bucket.ranks->start_reduce_scatter(state.gradients.const_data_ptr(), state.own_gradients.mutable_data_ptr(), state.unit->shard(), kType,
                                                     parallel::ReduceOp::sum);
  }
}

void GradientBuckets::start_ready_buckets() {
  for (; next_ < buckets_.size() && buckets_[next_].waiting <= 0; ++next_) start(buckets_[next_]);
}

void GradientBuckets::finish() {
  started_in_backward_ = armed_ ? next_ : 0;
  if (!armed_) arm();
  for (const UnitState& state : parameters_.units()) {
    if (!state.gradients.defined()) continue;
    for (const UnitSlot& slot : state.unit->slots)
      if (!slot.parameter().has_gradient) slot.parameter().gradient.zero_();
  }
  for (Bucket& bucket : buckets_) bucket.waiting = 0;
  start_ready_buckets();
  for (Bucket& bucket : buckets_) {
    bucket.work->wait();
    bucket.work.reset();
  }
  armed_ = false;
}

}  // namespace phidias::trainer
