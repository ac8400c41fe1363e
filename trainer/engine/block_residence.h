// Brings sharded weights and gradients to a block while it runs (levels gradients and parameters of unit_layout.h).
//
//   residence.begin(true);           // before a micro-batch's forward; false: no gradients (evaluation)
//   ... forward with ForwardOptions::weights = &residence, backward ...
//   residence.end();                 // closes what is still open, reduces the gradients of embedding and head
//   residence.finish_gradients();    // before the optimizer: UnitState::own_gradients hold the sums over micro-batches and ranks
//   residence.values_changed();      // after it
//
// Values: two buffers for transformer blocks, one in use and one in which the next block (in forward; the previous in backward) arrives meanwhile, and
// one for the edges: the embedding around its look-up, then final norm and head until the micro-batch ends. Gradients: a block's are complete when its
// backward is; they are then summed over ranks into own_gradients while the next block computes. Those of embedding and head are bound for the whole
// micro-batch, since the head's are written in forward. Every call is collective where it moves something; the order of blocks makes the order of
// collectives. Without sharded units nothing happens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "models/causal_lm.h"
#include "parallel/communicator.h"
#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

class BlockResidence : public models::WeightSource {
 public:
  explicit BlockResidence(FlatParameters& parameters);  // outlives it
  ~BlockResidence() override;
  BlockResidence(const BlockResidence&) = delete;
  BlockResidence& operator=(const BlockResidence&) = delete;

  bool needed() const { return !sharded_values_.empty() || !sharded_gradients_.empty(); }
  void begin(bool with_gradients);
  void end();
  void finish_gradients();
  void values_changed();
  // Bytes of the buffers that have been allocated so far.
  std::int64_t value_bytes() const;
  std::int64_t gradient_bytes() const;

  void before_forward(int block) override;
  void after_forward(int block) override;
  void before_backward(int block) override;
  void after_backward(int block) override;

 private:
  struct ValueBuffer;
  struct GradientBuffer;
  using UnitsOfBlocks = std::map<int, std::vector<UnitState*>>;

  bool is_edge(int block) const { return block < 0 || block >= head_; }
  void make_resident(int block, bool is_prefetch);
  ValueBuffer& buffer_for(int block);
  void start_gather(ValueBuffer& buffer, int block);
  void bind_values(ValueBuffer& buffer);
  void release_values(int block);
  void open_gradients(int block);
  void close_gradients(int block);
  void settle(GradientBuffer& buffer);

  FlatParameters& parameters_;
  int head_;                      // block of final norm and head
  UnitsOfBlocks sharded_values_;  // what has to be gathered for a block; a tied head needs the embedding
  UnitsOfBlocks sharded_gradients_;
  std::vector<ValueBuffer> values_;        // two for blocks, the last for the edges
  std::vector<GradientBuffer> gradients_;  // two for blocks, embedding, head
  bool with_gradients_ = false;
};

}  // namespace phidias::trainer
