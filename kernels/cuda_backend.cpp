#include "kernels/cuda_backend.h"

#include <dlfcn.h>

#include <ATen/Context.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"

namespace phidias::kernels {
namespace {

// Whether the driver finds a device, asked without loading any of CUDA's own libraries. Empty: yes; else the reason.
std::string missing_device() {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return "the NVIDIA driver (libcuda.so.1) is not installed";
  auto* initialise = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  auto* count_devices = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
  if (initialise == nullptr || count_devices == nullptr) return "libcuda.so.1 has no cuInit: the driver is damaged";
  int count = 0;
  if (const int error = initialise(0); error != 0) return "the NVIDIA driver does not start (cuInit gives " + std::to_string(error) + ")";
  if (count_devices(&count) != 0 || count == 0) return "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES may hide it)";
  return "";
}

struct Loaded {
  CudaBackend* backend = nullptr;  // never destroyed: CUDA must not be touched while the process is torn down
  std::string reason;
};

Loaded load() {
  const char* wanted = std::getenv("PHIDIAS_CUDA");
  if (wanted != nullptr && std::string(wanted) == "0") return {nullptr, "PHIDIAS_CUDA=0 hides the GPU"};
  if (std::string reason = missing_device(); !reason.empty()) return {nullptr, std::move(reason)};
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "libphidias_cuda.so";
  if (!std::filesystem::exists(path, error)) return {nullptr, "the CUDA plug-in was not built: " + path.string() + " is missing (nvcc 13 is needed)"};
  // Packed batches vary in size; growing segments keep the allocator from splitting the memory into pieces that fit none. Read when libtorch_cuda loads.
  setenv("PYTORCH_ALLOC_CONF", "expandable_segments:True", /*overwrite=*/0);
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (plugin == nullptr) return {nullptr, "the CUDA plug-in does not load: " + std::string(dlerror())};
  auto* interface_number = reinterpret_cast<int (*)()>(dlsym(plugin, "phidias_cuda_interface"));
  auto* create = reinterpret_cast<CudaBackend* (*)()>(dlsym(plugin, "phidias_cuda_backend"));
  if (interface_number == nullptr || create == nullptr || interface_number() != kCudaInterface) {
    return {nullptr, path.string() + " belongs to another build of the program"};
  }
  if (!at::Context::hasCUDA()) return {nullptr, "torch does not see the GPU (too old a driver, or torch was asked for CUDA before the plug-in was loaded)"};
  try {
    return {create(), ""};
  } catch (const std::exception& problem) {
    return {nullptr, std::string("CUDA does not start: ") + problem.what()};
  }
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

CudaBackend* cuda_backend() { return loaded().backend; }

const std::string& cuda_unavailable_reason() { return loaded().reason; }

CudaBackend& require_cuda() {
  if (loaded().backend == nullptr) throw ConfigError("no GPU can be used: " + loaded().reason);
  return *loaded().backend;
}

}  // namespace phidias::kernels
