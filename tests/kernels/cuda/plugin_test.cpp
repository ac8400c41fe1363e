// The plug-in as a file, which needs no GPU: it loads into a process that links no CUDA, its symbols resolve, it is of this build, and torch finds its
// hooks although they arrive late. And the figures of a device, where there is one.
#include <ATen/Context.h>
#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "tests/kernels/cuda/cuda_test.h"

namespace phidias::kernels {
namespace {

TEST(CudaPlugin, LoadsIntoAProcessWithoutCuda) {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libphidias_cuda.so";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " was not built";
  if (cuda_backend() == nullptr) std::printf("no GPU: %s\n", cuda_unavailable_reason().c_str());
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  ASSERT_NE(plugin, nullptr) << dlerror();
  auto* interface_number = reinterpret_cast<int (*)()>(dlsym(plugin, "phidias_cuda_interface"));
  ASSERT_NE(interface_number, nullptr);
  EXPECT_EQ(interface_number(), kCudaInterface);
  EXPECT_TRUE(at::Context::hasCUDART()) << "torch looked for CUDA before the plug-in was loaded";
}

TEST(CudaPlugin, GivesAReasonWhereThereIsNoGpu) {
  if (cuda_backend() != nullptr) GTEST_SKIP() << "there is a GPU";
  EXPECT_FALSE(cuda_unavailable_reason().empty());
  EXPECT_THROW(require_cuda(), ConfigError);
}

class CudaDevices : public testing::CudaTest {};

TEST_F(CudaDevices, FiguresAreSane) {
  const CudaDevice device = cuda_->describe(0);
  std::printf("%s, compute capability %d.%d, %d multiprocessors; %s\n", device.name.c_str(), device.major, device.minor, device.multiprocessors,
              cuda_->versions().c_str());
  EXPECT_GT(device.total_bytes, 0);
  EXPECT_THROW(cuda_->set_device(cuda_->device_count()), ConfigError);
  cuda_->reset_peak_memory(0);
  const CudaMemory before = cuda_->memory(0);
  {
    const at::Tensor block = testing::on_gpu(at::full({1 << 20}, 1.0, at::kFloat), at::kFloat);
    EXPECT_GE(cuda_->memory(0).allocated_bytes, before.allocated_bytes + (4 << 20));
  }
  const CudaMemory after = cuda_->memory(0);
  EXPECT_EQ(after.allocated_bytes, before.allocated_bytes);
  EXPECT_GE(after.peak_allocated_bytes, before.allocated_bytes + (4 << 20));
}

TEST_F(CudaDevices, PinnedCopiesReachTheDevice) {
  parallel::DeviceMemory& memory = cuda_->device_memory();
  auto* host = static_cast<float*>(memory.allocate_pinned(4 * sizeof(float)));
  at::Tensor block = testing::on_gpu(at::full({4}, 3.0, at::kFloat), at::kFloat);
  block.add_(1.0);
  memory.copy_to_host(host, block.data_ptr(), 4 * sizeof(float));
  EXPECT_EQ(host[3], 4.0f);
  host[3] = 9.0f;
  memory.copy_to_device(block.data_ptr(), host, 4 * sizeof(float));
  EXPECT_EQ(block[3].item<float>(), 9.0f);
  memory.free_pinned(host);
}

}  // namespace
}  // namespace phidias::kernels
