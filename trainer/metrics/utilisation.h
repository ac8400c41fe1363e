// Model FLOPs utilisation: tokens/s times FLOPs per token over the peak of all devices.
//
//   MFU = tokens/s * flops_per_token / peak        flops_per_token = ModelConfig::flops_per_token(mean visible keys), forward and backward
//
// Peak of a GPU: the datasheet's dense bf16 rate. Peak of the CPU ranks: the sum of what each rank measures for a matrix product in the compute
// dtype while all of them measure.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "configs/model_config.h"
#include "data/batch.h"
#include "parallel/communicator.h"

namespace phidias::trainer {

struct Peak {
  double flops_per_second = 0;  // of all ranks together; 0: not known
  std::string source;           // "989 TFLOP/s per GPU (datasheet, dense bf16)", "measured matrix product"
};

// Collective. `ranks_per_device`: how many ranks share a GPU.
Peak find_peak(parallel::Communicator& host, at::ScalarType dtype, at::Device device, double ranks_per_device);

// Mean number of keys a token of these micro-batches sees (causal, window applied).
double mean_context(const data::GlobalBatch& batch, std::int64_t sliding_window);

class Utilisation {
 public:
  Utilisation(const configs::ModelConfig& model, Peak peak) : model_(model), peak_(std::move(peak)) {}
  double at(double tokens_per_second, double mean_context) const;
  std::string formula() const;  // one line for the log

 private:
  configs::ModelConfig model_;
  Peak peak_;
};

}  // namespace phidias::trainer
