#include "kernels/cuda/plugin.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <nccl.h>

#include "base/error.h"
#include "parallel/nccl_communicator.h"

namespace phidias::kernels::cuda {
namespace {

void check_device(int device) {
  const int count = c10::cuda::device_count();
  if (device >= 0 && device < count) return;
  throw ConfigError("GPU " + std::to_string(device) + " was asked for, but this process sees " + std::to_string(count));
}

std::string dotted(long version, long major_unit, long minor_unit) {
  return std::to_string(version / major_unit) + "." + std::to_string(version % major_unit / minor_unit);
}

class Event {
 public:
  Event() { C10_CUDA_CHECK(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

int PluginBackend::device_count() const { return c10::cuda::device_count(); }

CudaDevice PluginBackend::describe(int device) const {
  check_device(device);
  cudaDeviceProp properties{};
  C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  return {properties.name, properties.major, properties.minor, properties.multiProcessorCount, static_cast<std::int64_t>(properties.totalGlobalMem)};
}

void PluginBackend::set_device(int device) {
  check_device(device);
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
}

int PluginBackend::current_device() const { return c10::cuda::current_device(); }

CudaMemory PluginBackend::memory(int device) const {
  check_device(device);
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
  std::size_t free_bytes = 0, total_bytes = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  return {stats.allocated_bytes[kAll].current,   stats.allocated_bytes[kAll].peak,       stats.reserved_bytes[kAll].current,
          static_cast<std::int64_t>(free_bytes), static_cast<std::int64_t>(total_bytes), stats.num_alloc_retries};
}

void PluginBackend::reset_peak_memory(int device) {
  check_device(device);
  c10::cuda::CUDACachingAllocator::resetPeakStats(static_cast<c10::DeviceIndex>(device));
}

void PluginBackend::release_cached_memory() { c10::cuda::CUDACachingAllocator::emptyCache(); }

void PluginBackend::synchronize() { c10::cuda::getCurrentCUDAStream().synchronize(); }

std::string PluginBackend::versions() const {
  int runtime = 0, driver = 0, nccl = 0;
  C10_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  C10_CUDA_CHECK(cudaDriverGetVersion(&driver));
  ncclGetVersion(&nccl);
  const long cudnn = at::detail::getCUDAHooks().versionCuDNN();
  return "CUDA " + dotted(runtime, 1000, 10) + ", driver " + dotted(driver, 1000, 10) + ", cuDNN " + dotted(cudnn, 10000, 100) + ", NCCL " +
         dotted(nccl, 10000, 100) + "." + std::to_string(nccl % 100);
}

double PluginBackend::measure_milliseconds(const std::function<void()>& work) {
  const Event begin, end;
  C10_CUDA_CHECK(cudaEventRecord(begin, stream()));
  work();
  C10_CUDA_CHECK(cudaEventRecord(end, stream()));
  C10_CUDA_CHECK(cudaEventSynchronize(end));
  float milliseconds = 0.0f;
  C10_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
  return milliseconds;
}

std::unique_ptr<parallel::Communicator> PluginBackend::make_nccl(parallel::Communicator& host, double timeout_seconds) {
  return parallel::make_nccl_communicator(host, {.device = current_device(), .timeout_seconds = timeout_seconds, .current_stream = [] { return stream(); }});
}

void PinnedCopies::copy_to_host(void* host, const void* device, std::size_t bytes) {
  C10_CUDA_CHECK(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream()));
  C10_CUDA_CHECK(cudaStreamSynchronize(stream()));
}

void PinnedCopies::copy_to_device(void* device, const void* host, std::size_t bytes) {
  C10_CUDA_CHECK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream()));
  C10_CUDA_CHECK(cudaStreamSynchronize(stream()));
}

void* PinnedCopies::allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMallocHost(&memory, bytes);
  if (error != cudaSuccess) {
    cudaGetLastError();
    throw OutOfMemory("cannot pin " + std::to_string(bytes) + " bytes of host memory: " + cudaGetErrorString(error));
  }
  return memory;
}

void PinnedCopies::free_pinned(void* memory) {
  if (memory != nullptr) C10_CUDA_CHECK_WARN(cudaFreeHost(memory));
}

Element element_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return Element::float32;
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, "a CUDA kernel was given ", tensor.scalar_type(), "; float32 and bfloat16 are supported");
  return Element::bfloat16;
}

void check_contiguous(const char* operation, std::initializer_list<const at::Tensor*> tensors) {
  for (const at::Tensor* tensor : tensors) {
    TORCH_CHECK(!tensor->defined() || (tensor->is_cuda() && tensor->is_contiguous()), operation, ": a tensor of shape ", tensor->sizes(), " on ",
                tensor->device(), " is not contiguous CUDA memory");
  }
}

void check_float(const char* operation, std::initializer_list<const at::Tensor*> tensors) {
  check_contiguous(operation, tensors);
  for (const at::Tensor* tensor : tensors) {
    TORCH_CHECK(!tensor->defined() || tensor->scalar_type() == at::kFloat, operation, ": expected float32, got ", tensor->scalar_type());
  }
}

}  // namespace phidias::kernels::cuda

// The two symbols that cuda_backend.cpp looks up.
extern "C" __attribute__((visibility("default"))) int phidias_cuda_interface() { return phidias::kernels::kCudaInterface; }

extern "C" __attribute__((visibility("default"))) phidias::kernels::CudaBackend* phidias_cuda_backend() {
  at::globalContext().lazyInitDevice(at::kCUDA);
  return new phidias::kernels::cuda::PluginBackend();
}
