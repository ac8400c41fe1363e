// The training state that this rank holds, unit by unit: compute values, float32 gradients, masters and moments (unit_layout.h says which part of each).
//
//   FlatParameters parameters(model, options, {&all, &replicas});
//   parameters.read_values(reader);      // each rank reads its own ranges of the checkpoint's tensors
//   parameters.publish_values();         // collective: compute values from the masters, on every rank that needs them
//   parameters.bind();                   // Parameter::value and ::gradient of everything that stays resident
//
// Gradients that are whole lie in one memory in reverse order of use, so that those near the front are ready early in backward and ranges of them can
// be reduced while the rest of it runs. What is not whole is bound around its block's use by BlockResidence (block_residence.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/causal_lm.h"
#include "parallel/communicator.h"
#include "trainer/engine/unit_layout.h"

namespace phidias::trainer {

// Borrowed communicators in the memory of the model's device: all ranks, and those with the same experts (the same object without an expert axis).
struct ReplicaRanks {
  parallel::Communicator* dense = nullptr;
  parallel::Communicator* expert = nullptr;
};

// A unit, its memory on this rank, and the ranks that hold the same parameters.
struct UnitState {
  const Unit* unit = nullptr;
  parallel::Communicator* ranks = nullptr;
  int part = 0;                     // which shard is this rank's
  at::Tensor values;                // [size], compute dtype; undefined where values are sharded
  at::Tensor own_values;            // [shard], compute dtype: this rank's part of `values`, or all it has
  at::Tensor masters;               // [shard], float32; own_values where those are float32; undefined: frozen
  at::Tensor gradients;             // [size], float32; undefined: sharded or frozen
  at::Tensor own_gradients;         // [shard], float32: this rank's part of `gradients`, or the sum over micro-batches
  at::Tensor exp_avg, exp_avg_sq;   // [shard], float32 or bfloat16
  std::int64_t gradient_begin = 0;  // of `gradients` in the memory of all whole gradients
  bool has_own_gradients = false;   // where gradients are sharded: own_gradients hold something of this step

  std::int64_t begin() const { return part * unit->shard(); }  // of the own part, in elements of the unit
  std::int64_t end() const { return begin() + unit->shard(); }
  // Ranks whose own_gradients are these very numbers once they are reduced.
  int replication() const { return unit->level == configs::Shard::none ? ranks->size() : 1; }
};

// A parameter of a unit whose whole memory is `memory`.
at::Tensor view_of(const UnitSlot& slot, const at::Tensor& memory);
// Makes `value` what the parameter computes with; a leaf that requires a gradient where `trainable`.
void bind_value(const UnitSlot& slot, at::Tensor value, bool trainable);
parallel::DataType data_type_of(const at::Tensor& tensor);  // float32 or bfloat16

class FlatParameters {
 public:
  // Allocates this rank's part. Throws ConfigError (UnitLayout).
  FlatParameters(const models::CausalLM& model, const UnitOptions& options, at::Device device, const ReplicaRanks& ranks);
  FlatParameters(const FlatParameters&) = delete;
  FlatParameters& operator=(const FlatParameters&) = delete;

  // Masters of trainable and compute values of frozen parameters, this rank's ranges alone.
  void read_values(const models::RangeReader& read);
  // Collective: compute values from the masters, gathered where they are whole.
  void publish_values();
  // Starts the gathering of one unit's values after its own part has changed; null where there is nothing to gather.
  std::unique_ptr<parallel::Work> start_gather(UnitState& state);
  // Values and gradients that stay; the others become on demand.
  void bind();

  const UnitLayout& layout() const { return layout_; }
  std::vector<UnitState>& units() { return states_; }
  const std::vector<UnitState>& units() const { return states_; }
  const at::Tensor& whole_gradients() const { return whole_gradients_; }
  at::TensorOptions memory() const { return memory_; }
  // Every trainable parameter.
  template <class Visit>
  void for_each_trainable(Visit&& visit) const {
    for (const UnitState& state : states_)
      if (state.unit->trainable)
        for (const UnitSlot& slot : state.unit->slots) visit(slot.parameter());
  }
  // Of what is allocated here; without the buffers of BlockResidence.
  StateBytes bytes() const;

 private:
  void allocate(UnitState& state, std::int64_t& whole_gradients);

  UnitLayout layout_;
  at::TensorOptions memory_;
  std::vector<UnitState> states_;
  at::Tensor whole_gradients_;
};

// The ranges of checkpoint tensors that a rank owns: visit(slot, tensor, begin, end, out) with out = the elements [begin, end) of the tensor in
// `memory`, which holds the own part of the unit.
using OwnRange = std::function<void(const models::ParameterDeclaration& declaration, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                                    at::Tensor out)>;
void for_own_ranges(const UnitState& state, const at::Tensor& memory, const OwnRange& visit);

}  // namespace phidias::trainer
