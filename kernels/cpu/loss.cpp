// Softmax over the rows of a chunk of logits: statistics of the target, and the gradient in place. The likeliest token of a row.
#include "kernels/cpu/level.h"

extern "C" float logf(float);

namespace {

constexpr int64_t kSoftmaxBlock = 1024;

template <typename T>
void softmax_rows(void* logits_, const void* bias_, float logit_scale, const int64_t* targets, const float* factor, float* log_probability, float* log_sum_exp,
                  float* entropy, int64_t rows, int64_t vocab, int threads) {
  T* logits = static_cast<T*>(logits_);
  const T* bias = static_cast<const T*>(bias_);
  const int64_t whole = vocab / kLanes * kLanes;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    T* row = logits + r * vocab;
    if (bias != nullptr || logit_scale != 1.0f) {
      for_vectors(vocab, [&](int64_t, auto at, auto put) {
        const vf v = at(static_cast<const T*>(row));
        put(row, (bias != nullptr ? v + at(bias) : v) * logit_scale);
      });
    }
    vf best = splat(to_float(row[0]));
    for (int64_t i = 0; i < whole; i += kLanes) best = maximum(load(row + i), best);
    float highest = max_lanes(best);
    for (int64_t i = whole; i < vocab; ++i) highest = to_float(row[i]) > highest ? to_float(row[i]) : highest;

    // Blocks are summed in float, their sums in double: a vocabulary of 100,000 would cost four digits otherwise.
    double sum = 0, weighted_sum = 0;
    for (int64_t block = 0; block < whole; block += kSoftmaxBlock) {
      const int64_t block_end = block + kSoftmaxBlock < whole ? block + kSoftmaxBlock : whole;
      vf sums{}, weighted{};
      for (int64_t i = block; i < block_end; i += kLanes) {
        const vf shifted = load(row + i) - highest, e = exp(shifted);
        sums += e;
        if (entropy != nullptr) weighted += e * maximum(shifted, splat(-200.0f));  // a masked id (-inf) counts nothing
      }
      sum += sum_lanes(sums);
      weighted_sum += sum_lanes(weighted);
    }
    if (whole < vocab) {
      const vf shifted = load_part(row + whole, vocab - whole) - highest, e = exp(shifted);
      for (int64_t i = 0; i < vocab - whole; ++i) sum += e[i], weighted_sum += e[i] * (shifted[i] > -200.0f ? shifted[i] : -200.0f);
    }
    const float log_sum = logf(static_cast<float>(sum)), target_logit = to_float(row[targets[r]]);
    if (log_probability != nullptr) log_probability[r] = target_logit - highest - log_sum;
    if (log_sum_exp != nullptr) log_sum_exp[r] = highest + log_sum;
    if (entropy != nullptr) entropy[r] = log_sum - static_cast<float>(weighted_sum / sum);
    if (factor == nullptr) continue;
    const float weight = static_cast<float>(-factor[r] / sum);
    for_vectors(vocab, [&](int64_t, auto at, auto put) { put(row, exp(at(static_cast<const T*>(row)) - highest) * weight); });
    from_float(exp(splat(target_logit - highest))[0] * weight + factor[r], row[targets[r]]);
  }
}

void likeliest(const float* logits, int64_t* tokens, int64_t rows, int64_t vocab, int threads) {
  const float lowest = -__builtin_inff();
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * vocab;
    const int64_t whole = vocab / kLanes * kLanes;
    vf best = splat(lowest);
    for (int64_t i = 0; i < whole; i += kLanes) best = maximum(load(row + i), best);
    float highest = max_lanes(best);
    for (int64_t i = whole; i < vocab; ++i) highest = row[i] > highest ? row[i] : highest;
    int64_t found = 0;
    while (found < vocab && row[found] != highest) ++found;
    tokens[r] = found < vocab ? found : 0;
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_loss(Kernels& kernels) {
  kernels.float32.softmax_rows = softmax_rows<float>;
  kernels.bfloat16.softmax_rows = softmax_rows<bf16>;
  kernels.likeliest = likeliest;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
