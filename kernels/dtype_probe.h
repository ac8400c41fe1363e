// How fast this processor multiplies matrices in float32 and in bfloat16: on some bfloat16 is half as fast, on some many times faster.
#pragma once

namespace phidias::kernels {

struct MatrixRates {
  double float32_gflops = 0.0, bfloat16_gflops = 0.0;  // 10^9 floating-point operations per second, all threads of torch's pool
  double seconds = 0.0;                                // what the probe took
};

// Times products of a training step's shape for about a quarter of a second each. CPU only.
MatrixRates probe_matrix_rates();

}  // namespace phidias::kernels
