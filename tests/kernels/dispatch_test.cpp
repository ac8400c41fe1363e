// The choice between the builds of the CPU kernels, the allocator's settings and the probe of matrix product rates.
#include "kernels/cpu/dispatch.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "kernels/allocator.h"
#include "kernels/dtype_probe.h"

namespace phidias::kernels {
namespace {

TEST(Dispatch, TakesTheBestBuildTheProcessorHas) {
  unsetenv("PHIDIAS_CPU");
  std::string expected = "plain";
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) expected = "avx2";
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    expected = "avx512";
#endif
  EXPECT_EQ(cpu::choose().name, expected);
}

TEST(Dispatch, IsLoweredByTheEnvironmentAndRefusesUnknownNames) {
  setenv("PHIDIAS_CPU", "plain", 1);
  EXPECT_EQ(cpu::choose().name, std::string("plain"));
  setenv("PHIDIAS_CPU", "sse", 1);
  EXPECT_THROW(cpu::choose(), ConfigError);
  unsetenv("PHIDIAS_CPU");
}

TEST(Dispatch, CoversDenseFloat32AndBfloat16OfOneTypeAlone) {
  const at::Tensor a = at::empty({4, 4}, at::kFloat), b = at::empty({4, 4}, at::kBFloat16);
  EXPECT_TRUE(cpu::covers({a, a}) && cpu::covers({b}));
  EXPECT_FALSE(cpu::covers({a, b}) || cpu::covers({a.t()}) || cpu::covers({at::empty({2}, at::kDouble)}));
}

// An inline function shared between the builds would be compiled for AVX-512 in one of them and might be the one every caller gets.
TEST(Dispatch, BuildsShareNoFunctionThatTheLinkerCouldMerge) {
  const std::string command = std::string("find ") + PHIDIAS_BINARY_DIR + " -path '*phidias_kernels_avx512.dir*.o' | xargs -r nm | grep -E ' [Wu] ' | wc -l";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 64> line{};
  ASSERT_NE(fgets(line.data(), line.size(), pipe), nullptr);
  pclose(pipe);
  EXPECT_EQ(std::atoi(line.data()), 0) << command;
}

TEST(Probe, MeasuresBothRatesWithinASecond) {
  const MatrixRates rates = probe_matrix_rates();
  EXPECT_GT(rates.float32_gflops, 0.5);  // any processor of the last decade; a broken clock or product would show
  EXPECT_GT(rates.bfloat16_gflops, 0.01);
  EXPECT_LT(rates.seconds, 5.0);  // aims at half a second; a loaded machine may need longer
}

TEST(Allocator, SettingsAreAcceptedAndMemoryStillComesAndGoes) {
  keep_freed_memory();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(at::empty({1 << 22}, at::kFloat).numel(), 1 << 22);
}

}  // namespace
}  // namespace phidias::kernels
