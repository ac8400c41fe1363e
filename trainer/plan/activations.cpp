#include "trainer/plan/activations.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kernels/cpu/kernels.h"
#include "kernels/head_chunks_cuda.h"

namespace phidias::trainer {
namespace {

using configs::Architecture;
using models::Recompute;
using Kind = MemoryTrace::Kind;

constexpr std::int64_t kFloat = sizeof(float);
constexpr std::int64_t kCpuChunkRows = 512;  // of logits: kernels/head_chunks.cpp

class MicroBatchWalk {
 public:
  MicroBatchWalk(const configs::ModelConfig& config, const ActivationShape& shape)
      : c_(config), s_(shape), b_(static_cast<std::int64_t>(c10::elementSize(shape.dtype))), t_(shape.tokens) {}

  ActivationPlan run() {
    batch_and_embedding();
    for (int block = 0; block < c_.num_layers; ++block) whole_block_forward(block);
    final_norm_and_head();
    const std::int64_t kept = trace_.live().total();
    final_norm_backward();
    for (int block = static_cast<int>(c_.num_layers) - 1; block >= 0; --block) whole_block_backward(block);
    return {
        .kept = kept, .logits_chunk = logits_, .passing = passing_, .left = trace_.live().total(), .peak = trace_.peak(), .peak_phase = trace_.peak_phase()};
  }

 private:
  std::int64_t rows(std::int64_t width) const { return t_ * width * b_; }
  std::int64_t hidden() const { return rows(c_.hidden_size); }
  std::int64_t qkv() const { return rows(c_.qkv_rows()); }
  std::int64_t heads() const { return rows(c_.num_heads * c_.head_dim); }
  std::int64_t log_sum_exp() const { return t_ * c_.num_heads * kFloat; }
  std::int64_t norm_statistics() const { return t_ * kFloat * (c_.architecture == Architecture::phi3 ? 1 : 2); }
  std::int64_t adapters() const { return rows(s_.kept.adapter_values); }
  bool has_experts() const { return c_.num_experts > 0; }
  bool whole_blocks() const { return s_.recompute == Recompute::block; }

  // Products of weight gradients pass through a matrix in the compute type, on a CPU that computes in bfloat16.
  void weight_gradient(std::int64_t in, std::int64_t out, bool trains) {
    if (trains && !s_.cuda && s_.dtype != at::kFloat) trace_.touch(in * out * b_);
  }

  void batch_and_embedding() {
    trace_.enter("forward");
    constexpr std::int64_t kBatchBytes = 8 + 4 + 8 + 1 + 8 + 3 * 4;  // PackedBatch, and the host's copy of the stream
    trace_.take(t_ * kBatchBytes);
    trace_.take(t_ * c_.rotary_dim() * kFloat);  // rows of cos and sin, for all blocks
    trace_.take(hidden());                       // x
  }

  void attention_forward() {
    trace_.take(qkv());
    if (s_.cuda)
      trace_.touch(qkv());  // the rotated copy is kept in the place of the first
    else
      trace_.touch(cpu_scratch());
    trace_.take(heads() + log_sum_exp());
  }

  std::int64_t cpu_scratch() const { return s_.threads * kernels::cpu::attention_scratch(s_.longest_document, c_.head_dim) * kFloat; }

  // gate_up and, for the experts, the gathered rows: what stays for backward is taken and not given.
  void mlp_forward() {
    if (has_experts()) return experts_forward();
    trace_.take(rows(2 * c_.intermediate_size));
    trace_.take(rows(c_.intermediate_size));
    trace_.take(hidden());
    if (!s_.kept.down) trace_.give(rows(c_.intermediate_size));
  }
  void mlp_forget() {
    if (has_experts()) return trace_.give(experts_kept());
    trace_.give(rows(2 * c_.intermediate_size) + (s_.kept.down ? rows(c_.intermediate_size) : 0));
  }

  // Rows of experts, one per token and slot. Over an expert axis as many arrive as leave; the arrived ones are kept, else they are gathered again.
  bool exchanged() const { return s_.expert_ranks > 1; }
  std::int64_t slot_rows(std::int64_t width) const { return c_.experts_per_token * rows(width); }
  std::int64_t slot_indices() const { return t_ * c_.experts_per_token * (8 + 8 + kFloat); }  // expert, place and weight of every slot
  std::int64_t experts_kept() const {
    return rows(c_.num_experts) + slot_indices() + slot_rows(2 * c_.intermediate_size) + (exchanged() ? slot_rows(c_.hidden_size) : 0);
  }
  void experts_forward() {
    const std::int64_t row = slot_rows(c_.hidden_size), inner = slot_rows(c_.intermediate_size);
    trace_.take(experts_kept());
    trace_.touch(exchanged() ? inner + 3 * row : inner + 2 * row);  // the activation, outputs; on their way twice more; or the gathered inputs
    trace_.take(hidden());
  }
  void experts_backward() {
    const std::int64_t row = slot_rows(c_.hidden_size), inner = slot_rows(c_.intermediate_size);
    const std::int64_t inputs = exchanged() ? 0 : row;
    trace_.take(inputs + 2 * row);  // gradients of outputs and inputs
    passing_ = std::max(passing_, inputs + 2 * row + 3 * inner);
    trace_.take(3 * inner);  // of the activation and of gate_up
    weight_gradient(c_.hidden_size, 2 * c_.intermediate_size, s_.kept.up);
    trace_.give(3 * inner);
    if (exchanged()) trace_.touch(2 * row);
    trace_.take(hidden());
    trace_.give(inputs + 2 * row + experts_kept());
  }

  // The incoming gradient stays: it is the residual stream's too.
  void mlp_backward() {
    if (has_experts()) return experts_backward();
    const std::int64_t inner = c_.intermediate_size;
    trace_.take(rows(inner));
    weight_gradient(inner, c_.hidden_size, s_.kept.down);
    if (s_.kept.down) trace_.give(rows(inner));
    trace_.take(rows(2 * inner));
    trace_.give(rows(2 * inner) + rows(inner));
    trace_.take(hidden());
    weight_gradient(c_.hidden_size, 2 * inner, s_.kept.up);
    trace_.give(rows(2 * inner));
  }

  // Leaves what backward needs, and the block's output {x1, update}; the caller lets the input's update go.
  void block_forward(bool first_sum) {
    if (first_sum) trace_.take(hidden());
    trace_.take(hidden() + norm_statistics());
    attention_forward();
    trace_.take(hidden());
    trace_.take(2 * hidden() + norm_statistics());
    trace_.give(hidden());
    trace_.take(adapters());
    if (s_.recompute == Recompute::mlp) {
      const std::int64_t before = trace_.live().total();
      mlp_forward();
      passing_ = std::max(passing_, trace_.live().total() - before);
      mlp_forget();
    } else {
      mlp_forward();
    }
    if (!s_.kept.qkv) trace_.give(hidden());
    if (!keeps_mlp_input()) trace_.give(hidden());
  }
  bool keeps_mlp_input() const { return s_.recompute == Recompute::mlp || (has_experts() ? !exchanged() || s_.kept.router : s_.kept.up); }

  // From the gradient of the block's output (held) to that of its input (held).
  void block_backward(bool first_sum) {
    if (s_.recompute == Recompute::mlp) mlp_forward();
    mlp_backward();
    if (s_.recompute == Recompute::mlp) trace_.give(hidden());  // the segment's output
    if (keeps_mlp_input()) trace_.give(hidden());
    norm_backward(true);
    trace_.take(heads());
    weight_gradient(c_.num_heads * c_.head_dim, c_.hidden_size, s_.kept.o);
    attention_backward();
    trace_.take(hidden());
    weight_gradient(c_.hidden_size, c_.qkv_rows(), s_.kept.qkv);
    trace_.give(qkv() + (s_.kept.qkv ? hidden() : 0) + adapters());
    norm_backward(first_sum);
  }

  // Before: gradient of the norm's output and of the residual stream; after: their joint one.
  void norm_backward(bool has_own_sum) {
    trace_.take(hidden());
    trace_.touch((t_ / kernels::cpu::kNormBlock + 1) * c_.hidden_size * kFloat);
    trace_.give(2 * hidden() + norm_statistics() + (has_own_sum ? hidden() : 0));
  }

  void attention_backward() {
    trace_.take(qkv());
    // Flash attention: separate dq, dk, dv (keys and values per query head), and dq summed in float32.
    trace_.touch(s_.cuda ? qkv() + t_ * c_.num_heads * c_.head_dim * kFloat + (c_.num_kv_heads < c_.num_heads ? 2 * heads() : 0) : cpu_scratch());
    trace_.give(qkv() + 2 * heads() + log_sum_exp());
  }

  void whole_block_forward(int block) {
    trace_.enter("forward");
    if (!whole_blocks()) {
      block_forward(/*first_sum=*/block > 0);
      if (block > 0) trace_.give(hidden());  // the update of the block before
      return;
    }
    const std::int64_t before = trace_.live().total();
    if (block > 0) trace_.take(hidden());  // a zero update
    block_forward(/*first_sum=*/block > 0);
    trace_.take(hidden());  // x1 + update
    const std::int64_t inside = trace_.live().total() - before - hidden();
    passing_ = std::max(passing_, inside);
    trace_.give(inside);
  }

  void whole_block_backward(int block) {
    trace_.enter("backward");
    if (!whole_blocks()) return block_backward(/*first_sum=*/true);  // the first block's sum is the embedding's output
    if (block > 0) trace_.take(hidden());
    block_forward(/*first_sum=*/block > 0);
    trace_.take(hidden());  // the sum; the update that went into it goes
    trace_.give(hidden() + (block > 0 ? hidden() : 0));
    block_backward(/*first_sum=*/block > 0);
    trace_.give(2 * hidden());  // the output, the kept input
  }

  void final_norm_and_head() {
    trace_.enter("head");
    trace_.take(2 * hidden() + norm_statistics());
    if (whole_blocks()) trace_.touch(hidden());  // the zero update
    trace_.give(hidden());                       // the last update, or the last block's sum
    const std::int64_t chunk = std::min<std::int64_t>(t_, s_.cuda ? kernels::cuda_chunk_rows(c_.vocab_size) : kCpuChunkRows);
    const bool wide = s_.cuda && s_.dtype != at::kFloat;  // float32 logits beside their gradient in the compute type
    trace_.take(hidden() + 3 * t_ * kFloat);
    logits_ = chunk * c_.vocab_size * (wide ? kFloat + b_ : b_);
    trace_.take(logits_, Kind::logits);
    if (s_.trains_head && !s_.cuda && s_.dtype != at::kFloat) trace_.touch(c_.vocab_size * c_.hidden_size * b_, Kind::logits);
    trace_.give(logits_, Kind::logits);
    trace_.give(hidden() + 3 * t_ * kFloat);  // the hidden states; their gradient stays
  }

  void final_norm_backward() {
    trace_.enter("backward");
    trace_.take(hidden());
    trace_.give(2 * hidden() + norm_statistics());
  }

  const configs::ModelConfig& c_;
  const ActivationShape& s_;
  const std::int64_t b_, t_;
  std::int64_t logits_ = 0, passing_ = 0;
  MemoryTrace trace_;
};

bool names_any(const std::string& name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

}  // namespace

KeptInputs kept_inputs(const UnitLayout& layout) {
  KeptInputs kept{.qkv = false, .o = false, .up = false, .down = false, .router = false, .head = false};
  std::int64_t adapter_values = 0;
  for (const Unit& unit : layout.units()) {
    if (!unit.trainable) continue;
    for (const UnitSlot& slot : unit.slots) {
      const std::string& name = slot.declaration->name;
      if (!slot.declaration->matrix && !slot.declaration->adapter) continue;
      kept.qkv = kept.qkv || names_any(name, {"qkv_proj.", "query_key_value."});
      kept.o = kept.o || names_any(name, {"o_proj.", ".dense."});
      kept.up = kept.up || names_any(name, {"up_proj", ".w1", ".w3", "experts."});
      kept.down = kept.down || names_any(name, {"down_proj", ".w2", "experts."});
      kept.router = kept.router || names_any(name, {"block_sparse_moe.gate."});
      kept.head = kept.head || unit.block == layout.head_block() || (unit.block < 0 && layout.tied_head());
      // Values per token of the adapters' inner products, in one block: A is [ranks, in], of experts [experts, rank, in].
      if (slot.declaration->adapter && unit.block == 0 && names_any(name, {"lora_A"}))
        adapter_values += slot.declaration->shape.size() == 2 ? slot.declaration->shape[0] : 2 * slot.declaration->shape[1];
    }
  }
  kept.adapter_values = adapter_values;
  return kept;
}

ActivationPlan plan_activations(const configs::ModelConfig& config, const ActivationShape& shape) { return MicroBatchWalk(config, shape).run(); }

}  // namespace phidias::trainer
