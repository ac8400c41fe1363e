// Where a rank computes and over what its gradients travel.
//
// A GPU is used wherever the CUDA plug-in finds one (PHIDIAS_CUDA=0 hides it): rank r of a host takes device r modulo their number. Gradients go
// over NCCL when every rank has a GPU of its own, else over MPI (staged through pinned memory on a GPU).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "configs/run_config.h"
#include "parallel/world.h"

namespace phidias::trainer {

struct ComputeDevice {
  at::Device device = at::kCPU;
  double ranks_per_device = 1;                    // > 1: several ranks share a GPU
  parallel::Communicator* ranks = nullptr;        // on memory of `device`; the world's host communicator on a CPU
  std::unique_ptr<parallel::Communicator> owned;  // what `ranks` points at, where the world does not own it
};

// Collective. Throws ConfigError for backend nccl without a GPU per rank.
ComputeDevice choose_device(const configs::ParallelSection& options, parallel::World& world);

// model.dtype: auto, decided once and then written into the resolved recipe: on a GPU the directory's dtype; on a CPU float32 or bfloat16,
// whichever multiplies matrices faster on rank 0's processor (printed). Collective.
configs::DType resolve_dtype(configs::DType wanted, at::ScalarType directory_dtype, at::Device device, parallel::Communicator& host);

at::ScalarType scalar_type(configs::DType dtype);

}  // namespace phidias::trainer
