// A causal language model on packed token streams, as the trainer, the scorer and the generator see it.
//
// Built in two stages: construction declares every parameter (name, shape, initialisation, where it lives) without memory; the owner
// (trainer/engine, or models/hub for inference) allocates storage and binds it. Names are Hugging Face tensor names.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "configs/model_config.h"
#include "configs/run_config.h"
#include "kernels/attention.h"
#include "kernels/expert_mlp.h"
#include "kernels/linear_cross_entropy.h"
#include "kernels/packed_batch.h"
#include "kernels/parameter.h"

namespace phidias::models {

// normal: mean 0, deviation initializer_range * scale; uniform: in (-scale, scale).
enum class Initialisation { normal, ones, zeros, uniform };
enum class Placement { dense, expert };

// A tensor of the Hugging Face directory: elements [offset, offset + product of shape) of a parameter's storage, row-major.
struct LogicalTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;
  std::int64_t count() const {
    std::int64_t product = 1;
    for (const std::int64_t size : shape) product *= size;
    return product;
  }
};

// One storage, computed with as a whole. It holds one tensor of the checkpoint or several: a fused projection (q_proj, k_proj, v_proj of phimoe), the
// stacked experts of a layer. On an expert axis `shape` and `tensors` are this rank's experts, under their global names.
struct ParameterDeclaration {
  std::string name;
  std::vector<std::int64_t> shape;
  Initialisation initialisation = Initialisation::normal;
  Placement placement = Placement::dense;
  bool matrix = true;                       // weight decay with optimizer.decay: matrices
  kernels::Parameter* parameter = nullptr;  // owned by the model; bound by the engine
  int block = -1;                           // -1: embedding; 0 .. layers - 1: transformer block; layers: final norm and head
  double scale = 1.0;                       // of the initialisation
  std::vector<LogicalTensor> tensors;       // in the order of the storage, without gaps; never empty
  bool adapter = false;                     // LoRA: float32, in a PEFT directory instead of the model's
};

// Values [begin, end) of a logical tensor into `out` (flat, any floating type and device). How weights reach their owner, whatever part of them it
// holds: from a memory-mapped directory (models/hub) or freshly drawn (models/initialise.h).
using RangeReader =
    std::function<void(const ParameterDeclaration& declaration, const LogicalTensor& tensor, std::int64_t begin, std::int64_t end, at::Tensor out)>;

// Asked around every use of a block's weights: the engine gathers sharded ones before it and releases them after it. Blocks as in
// ParameterDeclaration::block; after_forward is not called for the last one (final norm and head), which the owner of the step lets go.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual void before_forward(int block) = 0;
  virtual void after_forward(int block) = 0;
  virtual void before_backward(int block) = 0;  // values and gradients bound
  virtual void after_backward(int block) = 0;   // the block's gradients are complete for this micro-batch
};

enum class Recompute { none, mlp, block };

struct RoutingRecord;  // models/routing_record.h

struct ForwardOptions {
  Recompute recompute = Recompute::none;
  bool train_pad_embedding = true;
  bool inclusive_window = false;                          // window W + 1 keys, as flash-attention training did
  WeightSource* weights = nullptr;                        // null: always resident
  configs::Router router = configs::Router::sparsemixer;  // mixture of experts: how experts are chosen where draw_keys are given
  std::shared_ptr<RoutingRecord> routing;                 // null: no statistics, no load-balancing gradient
};

class CausalLM {
 public:
  virtual ~CausalLM() = default;
  virtual const configs::ModelConfig& config() const = 0;
  // In the order of computation, so that gradients become ready in the reverse order; tied heads appear once (model.embed_tokens.weight).
  virtual const std::vector<ParameterDeclaration>& declarations() const = 0;
  // Declares low-rank adapters on the modules that the section's targets name, at most once and before storage is bound; declarations() then lists both
  // kinds. Throws ConfigError when a target matches nothing, or part of the experts only; the text lists what exists.
  virtual void add_adapters(const configs::LoraSection& section) = 0;
  // Hidden states after the final norm, [T, hidden].
  virtual at::Tensor forward(const kernels::PackedBatch& batch, const ForwardOptions& options) = 0;
  virtual kernels::Head head() = 0;
  // Forward and backward contain collectives (an expert axis): every rank calls them equally often, without tokens if need be.
  virtual bool collective() const { return false; }

  // Generation: as forward, but keys and values of document d are stored in slot sequences[d] of the caches (one per layer).
  virtual at::Tensor prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences, std::vector<kernels::KeyValueCache>& caches) = 0;
  // One token per sequence; lengths are tokens already cached, use_long per sequence. Returns [B, hidden].
  virtual at::Tensor decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
                            const std::vector<bool>& use_long, std::vector<kernels::KeyValueCache>& caches) = 0;
};

// Declares the model of a configuration; of the experts those of `ranks`. Throws ConfigError for an impossible one.
std::unique_ptr<CausalLM> make_model(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks = {});

// Allocates storage for every parameter (one flat tensor, each value a view) and initialises it by (seed, name): the same numbers on every
// platform and layout.
at::Tensor allocate(CausalLM& model, at::ScalarType dtype, at::Device device);
void initialise(CausalLM& model, std::uint64_t seed);

}  // namespace phidias::models
