#include "trainer/device.h"

#include <cstdio>

#include "base/error.h"
#include "base/log.h"
#include "kernels/cuda_backend.h"
#include "kernels/dtype_probe.h"
#include "parallel/staged_communicator.h"

namespace phidias::trainer {

ComputeDevice choose_device(const configs::ParallelSection& options, parallel::World& world) {
  ComputeDevice chosen;
  chosen.ranks = &world.host();
  kernels::CudaBackend* const cuda = kernels::cuda_backend();
  if (cuda == nullptr) {
    if (options.backend == configs::Backend::nccl) throw ConfigError("parallel.backend: nccl needs a GPU: " + kernels::cuda_unavailable_reason());
    return chosen;
  }
  const int device = world.local_rank() % cuda->device_count();
  cuda->set_device(device);
  chosen.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device));
  chosen.ranks_per_device = world.local_size() > cuda->device_count() ? static_cast<double>(world.local_size()) / cuda->device_count() : 1.0;
  double shared = chosen.ranks_per_device;  // on any host
  world.host().all_reduce(&shared, 1, parallel::DataType::float64, parallel::ReduceOp::max);
  if (options.backend == configs::Backend::nccl && shared > 1) throw ConfigError("parallel.backend: nccl needs a GPU of its own for every rank");
  if (world.size() == 1) return chosen;  // nothing to reduce: the single process never touches the memory
  const bool nccl = options.backend == configs::Backend::nccl || (options.backend == configs::Backend::automatic && shared <= 1);
  if (nccl)
    chosen.owned = cuda->make_nccl(world.host(), options.timeout_seconds);
  else
    chosen.owned = parallel::make_staged(world.host(), cuda->device_memory());
  chosen.ranks = chosen.owned.get();
  return chosen;
}

at::ScalarType scalar_type(configs::DType dtype) { return dtype == configs::DType::bfloat16 ? at::kBFloat16 : at::kFloat; }

configs::DType resolve_dtype(configs::DType wanted, at::ScalarType directory_dtype, at::Device device, parallel::Communicator& host) {
  if (wanted != configs::DType::automatic) return wanted;
  std::int64_t bfloat16 = 0;
  if (device.is_cuda()) {
    bfloat16 = directory_dtype == at::kFloat ? 0 : 1;
  } else if (host.rank() == 0) {
    const kernels::MatrixRates rates = kernels::probe_matrix_rates();
    bfloat16 = rates.bfloat16_gflops > rates.float32_gflops ? 1 : 0;
    char text[160];
    std::snprintf(text, sizeof text, "model.dtype auto: matrix products run at %.0f GFLOP/s in float32, %.0f in bfloat16 (%.1f s of probing): %s",
                  rates.float32_gflops, rates.bfloat16_gflops, rates.seconds, bfloat16 ? "bfloat16" : "float32");
    log_info(text);
  }
  host.broadcast(&bfloat16, 1, parallel::DataType::int64, 0);
  return bfloat16 ? configs::DType::bfloat16 : configs::DType::float32;
}

}  // namespace phidias::trainer
