// AdamW in one pass over flat memory, and the sums of squares for the gradient norm.
#include "kernels/cpu/level.h"

namespace {

template <typename M, typename V, bool kCompute>
void update(float* __restrict master, const float* __restrict gradient, M* __restrict exp_avg, V* __restrict exp_avg_sq, bf16* __restrict compute,
            const AdamWFactors f, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * f.gradient_factor;
    const float m = to_float(exp_avg[i]) * f.beta1 + g * f.one_minus_beta1;
    const float v = to_float(exp_avg_sq[i]) * f.beta2 + g * g * f.one_minus_beta2;
    from_float(m, exp_avg[i]);
    from_float(v, exp_avg_sq[i]);
    const float w = master[i] * f.decay - f.step_size * m / (__builtin_sqrtf(v) * f.inverse_sqrt_correction2 + f.eps);
    master[i] = w;
    if constexpr (kCompute) from_float(w, compute[i]);
  }
}

template <typename M, typename V>
void update_all(float* master, const float* gradient, void* exp_avg_, void* exp_avg_sq_, void* compute_, const AdamWFactors& factors, int64_t n, int threads) {
  M* exp_avg = static_cast<M*>(exp_avg_);
  V* exp_avg_sq = static_cast<V*>(exp_avg_sq_);
  bf16* compute = static_cast<bf16*>(compute_);
  constexpr int64_t kBlock = 4096;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = n - begin < kBlock ? n - begin : kBlock;
    if (compute != nullptr)
      update<M, V, true>(master + begin, gradient + begin, exp_avg + begin, exp_avg_sq + begin, compute + begin, factors, count);
    else
      update<M, V, false>(master + begin, gradient + begin, exp_avg + begin, exp_avg_sq + begin, nullptr, factors, count);
  }
}

void adamw(float* master, const float* gradient, void* exp_avg, void* exp_avg_sq, bool narrow_avg, bool narrow_avg_sq, void* compute,
           const AdamWFactors& factors, int64_t n, int threads) {
  if (narrow_avg && narrow_avg_sq)
    update_all<bf16, bf16>(master, gradient, exp_avg, exp_avg_sq, compute, factors, n, threads);
  else if (narrow_avg)
    update_all<bf16, float>(master, gradient, exp_avg, exp_avg_sq, compute, factors, n, threads);
  else if (narrow_avg_sq)
    update_all<float, bf16>(master, gradient, exp_avg, exp_avg_sq, compute, factors, n, threads);
  else
    update_all<float, float>(master, gradient, exp_avg, exp_avg_sq, compute, factors, n, threads);
}

typedef float float8 __attribute__((vector_size(32)));
typedef double double8 __attribute__((vector_size(64)));

inline double8 widen(const float* p) {
  float8 v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, double8);
}

// Sixteen running sums whatever the vector width: the same order of additions on every instruction set.
void block_sums(const float* x, double* sums, int64_t n, int threads) {
  const int64_t blocks = (n + kSumBlock - 1) / kSumBlock;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t block = 0; block < blocks; ++block) {
    const float* values = x + block * kSumBlock;
    const int64_t count = n - block * kSumBlock < kSumBlock ? n - block * kSumBlock : kSumBlock;
    double8 low{}, high{};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
      const double8 a = widen(values + i), b = widen(values + i + 8);
      low += a * a;
      high += b * b;
    }
    double lanes[16];
    __builtin_memcpy(lanes, &low, sizeof low);
    __builtin_memcpy(lanes + 8, &high, sizeof high);
    for (; i < count; ++i) lanes[i % 16] += static_cast<double>(values[i]) * values[i];
    double total = 0;
    for (double lane : lanes) total += lane;
    sums[block] = total;
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_optimizer(Kernels& kernels) {
  kernels.adamw = adamw;
  kernels.block_sums = block_sums;
}

const Kernels& table() {
  static const Kernels kernels = [] {
    Kernels filled{};
    filled.name = PHIDIAS_LEVEL_NAME;
    add_elementwise(filled);
    add_attention(filled);
    add_attention_backward(filled);
    add_generation(filled);
    add_gegelu(filled);
    add_skinny(filled);
    add_layer_norm(filled);
    add_draws(filled);
    add_routing(filled);
    add_experts(filled);
    add_loss(filled);
    add_optimizer(filled);
    return filled;
  }();
  return kernels;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
