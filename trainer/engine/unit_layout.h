// How the parameters of a model are cut into units, and how many bytes of training state a rank holds: arithmetic alone, nothing is allocated.
//
// A unit is what is reduced, gathered and sharded at once: the parameters of one block (embedding, each transformer block, final norm with head) that
// share placement, trainability and compute dtype. Inside, parameters with weight decay come first; each starts at a multiple of 64 bytes, the gaps are
// zero. A unit is padded so that its shard group divides it into equal parts, again multiples of 64 bytes: rank r of the group owns
// [r * shard(), (r + 1) * shard()).
//
//   level        compute values      gradients (float32)       masters, moments
//   none         whole               whole                     whole
//   optimizer    whole               whole                     shard
//   gradients    whole               shard + block buffers     shard
//   parameters   shard + buffers     shard + block buffers     shard
//
// Shard groups: dense units over all ranks, expert units over the ranks that hold the same experts. A group of one rank owns whole units at every
// level. Frozen units hold compute values only, sharded at level parameters. Adapters (LoRA) are float32 whatever the model computes in. Where the
// compute dtype is float32 the masters are the (own part of the) compute values and take no bytes.
//
//   const UnitLayout layout(model.declarations(), options, {.dense = ranks, .expert = ranks / experts_axis});
//   layout.state_bytes().total();
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "models/causal_lm.h"

namespace phidias::trainer {

struct UnitOptions {
  at::ScalarType dtype = at::kFloat;  // the model computes in it: float32 or bfloat16
  configs::Decay decay = configs::Decay::matrices;
  configs::StateDType state_dtype = configs::StateDType::float32;  // of the moments
  // Shell patterns over parameter and tensor names; empty: all. In a model with adapters those are trainable, and of the rest what a pattern names.
  std::vector<std::string> trainable;
  configs::Shard shard = configs::Shard::none;
  std::vector<std::string> frozen;  // patterns of what does not learn although it would otherwise
};

// Ranks that hold the same parameters: all of them, and those with the same experts (all ranks where there is no expert axis).
struct ReplicaCounts {
  int dense = 1, expert = 1;
};

struct UnitSlot {
  const models::ParameterDeclaration* declaration = nullptr;
  std::int64_t offset = 0, count = 0;  // elements of the unit
  kernels::Parameter& parameter() const { return *declaration->parameter; }
};

struct Unit {
  int block = -1;  // as ParameterDeclaration::block
  models::Placement placement = models::Placement::dense;
  bool trainable = true;
  at::ScalarType dtype = at::kFloat;            // of the compute values
  configs::Shard level = configs::Shard::none;  // none where the group is one rank
  int ranks = 1;                                // of the shard group
  std::vector<UnitSlot> slots;                  // in the order of their offsets
  std::int64_t decayed = 0;                     // elements at the front that take weight decay
  std::int64_t size = 0;                        // elements with gaps and padding

  std::int64_t shard() const { return size / ranks; }
  bool values_sharded() const { return level == configs::Shard::parameters; }
  bool gradients_sharded() const { return trainable && (level == configs::Shard::gradients || level == configs::Shard::parameters); }
  bool has_masters() const { return trainable && dtype != at::kFloat; }  // of their own
};

// Of one rank.
struct StateBytes {
  std::int64_t values = 0;            // compute values, whole or shard
  std::int64_t gradients = 0;         // that live from micro-batch to micro-batch
  std::int64_t masters = 0;           // beside the compute values
  std::int64_t moments = 0;           // both
  std::int64_t value_buffers = 0;     // gathered values: two transformer blocks, and the larger of embedding and head
  std::int64_t gradient_buffers = 0;  // gradients before they are reduced: two transformer blocks, embedding and head
  std::int64_t total() const { return values + gradients + masters + moments + value_buffers + gradient_buffers; }
};

// Whole elements, as they are reduced or gathered; a buffer holds every sharded unit of a block.
struct BufferBytes {
  int value_blocks = 0, gradient_blocks = 0;                                      // buffers for transformer blocks: one in use, one on the way
  std::int64_t block_values = 0, edge_values = 0;                                 // one block; embedding or head, whichever is larger
  std::int64_t block_gradients = 0, embedding_gradients = 0, head_gradients = 0;  // one block; both edges are held at once
};

class UnitLayout {
 public:
  // `declarations` outlive it. Throws ConfigError when a pattern matches no parameter, or only part of one that is stored as a whole.
  UnitLayout(const std::vector<models::ParameterDeclaration>& declarations, const UnitOptions& options, const ReplicaCounts& replicas);

  // Trainable units in reverse order of use (head first, embedding last), then frozen ones.
  const std::vector<Unit>& units() const { return units_; }
  const UnitOptions& options() const { return options_; }
  int head_block() const { return head_block_; }  // of final norm and head: the number of transformer blocks
  bool tied_head() const { return tied_head_; }   // the head is the embedding's table
  BufferBytes buffer_bytes() const;
  StateBytes state_bytes() const;

 private:
  UnitOptions options_;
  std::vector<Unit> units_;
  int head_block_ = 0;
  bool tied_head_ = false;
};

}  // namespace phidias::trainer
