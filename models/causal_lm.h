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
#include "kernels/attention.h"
#include "kernels/linear_cross_entropy.h"
#include "kernels/packed_batch.h"
#include "kernels/parameter.h"

namespace phidias::models {

enum class Initialisation { normal, ones, zeros };  // normal: mean 0, config.initializer_range
enum class Placement { dense, expert };

struct ParameterDeclaration {
  std::string name;
  std::vector<std::int64_t> shape;
  Initialisation initialisation = Initialisation::normal;
  Placement placement = Placement::dense;
  bool matrix = true;                       // weight decay with optimizer.decay: matrices
  kernels::Parameter* parameter = nullptr;  // owned by the model; bound by the engine
  int block = -1;                           // transformer block, -1: outside
};

// Asked around every block: the engine gathers sharded weights before it and releases them after it.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual void before_block(int block) = 0;
  virtual void after_block(int block) = 0;
};

enum class Recompute { none, mlp, block };

struct ForwardOptions {
  Recompute recompute = Recompute::none;
  bool train_pad_embedding = true;
  bool inclusive_window = false;    // window W + 1 keys, as flash-attention training did
  WeightSource* weights = nullptr;  // null: always resident
};

class CausalLM {
 public:
  virtual ~CausalLM() = default;
  virtual const configs::ModelConfig& config() const = 0;
  // In the order of computation, so that gradients become ready in the reverse order; tied heads appear once (model.embed_tokens.weight).
  virtual const std::vector<ParameterDeclaration>& declarations() const = 0;
  // Hidden states after the final norm, [T, hidden].
  virtual at::Tensor forward(const kernels::PackedBatch& batch, const ForwardOptions& options) = 0;
  virtual kernels::Head head() = 0;

  // Generation: as forward, but keys and values of document d are stored in slot sequences[d] of the caches (one per layer).
  virtual at::Tensor prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences, std::vector<kernels::KeyValueCache>& caches) = 0;
  // One token per sequence; lengths are tokens already cached, use_long per sequence. Returns [B, hidden].
  virtual at::Tensor decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
                            const std::vector<bool>& use_long, std::vector<kernels::KeyValueCache>& caches) = 0;
};

// Declares the model of a configuration. Throws ConfigError for an impossible one.
std::unique_ptr<CausalLM> make_model(const configs::ModelConfig& config);

// Allocates storage for every parameter (one flat tensor, each value a view) and initialises it by (seed, name): the same numbers on every
// platform and layout.
at::Tensor allocate(CausalLM& model, at::ScalarType dtype, at::Device device);
void initialise(CausalLM& model, std::uint64_t seed);

}  // namespace phidias::models
