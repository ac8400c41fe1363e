// SparseMixer-v2 (kernels/sparse_mixer.h): one warp per token, lane l holds experts l and l + 32.
#include "kernels/cuda/philox.cuh"
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kWarps = 8, kSlots = 2;

struct Candidate {
  float value;
  int expert;
};

// The larger value, of equal ones the lower number; a NaN loses against any number. expert < 0: nobody.
__device__ __forceinline__ Candidate better(Candidate a, Candidate b) {
  if (b.expert < 0) return a;
  if (a.expert < 0) return b;
  const bool a_nan = isnan(a.value), b_nan = isnan(b.value);
  if (a_nan != b_nan) return a_nan ? b : a;
  if (a_nan || a.value == b.value) return a.expert < b.expert ? a : b;
  return a.value > b.value ? a : b;
}

__device__ __forceinline__ Candidate best_of_warp(Candidate own) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    const Candidate other{__shfl_xor_sync(0xffffffffu, own.value, distance), __shfl_xor_sync(0xffffffffu, own.expert, distance)};
    own = better(own, other);
  }
  return own;
}

// A token's scores, this lane's two.
struct Row {
  float score[kSlots];
  bool there[kSlots];
};

__device__ __forceinline__ Row load_row(const float* scores, int experts, int lane) {
  Row row;
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    const int expert = lane + 32 * i;
    row.there[i] = expert < experts;
    row.score[i] = row.there[i] ? scores[expert] : 0.0f;
  }
  return row;
}

// Softmax over `kept`, relative to `largest`; 0 elsewhere.
__device__ __forceinline__ void softmax_kept(const Row& row, const bool (&kept)[kSlots], float largest, float (&gates)[kSlots]) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    gates[i] = kept[i] ? expf(row.score[i] - largest) : 0.0f;
    sum += gates[i];
  }
  sum = warp_reduce(sum, Add{});
#pragma unroll
  for (int i = 0; i < kSlots; ++i) gates[i] /= sum;
}

struct Choice {
  Candidate best;
  bool kept[kSlots];
  float gates[kSlots];
};

__device__ __forceinline__ Choice find_choice(const Row& row, float threshold, int excluded, int lane) {
  Candidate own{0.0f, -1};
#pragma unroll
  for (int i = 0; i < kSlots; ++i)
    if (row.there[i] && lane + 32 * i != excluded) own = better(own, Candidate{row.score[i], lane + 32 * i});
  Choice choice;
  choice.best = best_of_warp(own);
  const float largest = choice.best.value;
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    const float size = fabsf(row.score[i]), factor = size > largest ? size : largest;
    choice.kept[i] = row.there[i] && lane + 32 * i != excluded && !((largest - row.score[i]) / factor > threshold);
  }
  softmax_kept(row, choice.kept, largest, choice.gates);
  return choice;
}

// The value that the lane of `expert` holds.
__device__ __forceinline__ float of_expert(const float (&values)[kSlots], int expert) {
  const float low = __shfl_sync(0xffffffffu, values[0], expert % 32), high = __shfl_sync(0xffffffffu, values[1], expert % 32);
  return expert < 32 ? low : high;
}

__global__ void forward_kernel(SparseMixerArguments a, std::int64_t* chosen, float* weights) {
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (token >= a.tokens) return;
  const int lane = threadIdx.x % 32;
  const Row row = load_row(a.scores + token * a.experts, a.experts, lane);
  int excluded = -1;
  for (int s = 0; s < 2; ++s) {
    const Choice choice = find_choice(row, a.threshold, excluded, lane);
    int expert = choice.best.expert;
    float factor = 1.0f;
    if (a.draw_keys != nullptr) {
      const std::uint64_t key = static_cast<std::uint64_t>(a.draw_keys[token]);
      Candidate own{0.0f, -1};
#pragma unroll
      for (int i = 0; i < kSlots; ++i)
        if (choice.kept[i]) own = better(own, Candidate{row.score[i] - logf(-logf(drawn_uniform(key, a.sites[s], lane + 32 * i))), lane + 32 * i});
      expert = best_of_warp(own).expert;
      if (expert < 0) expert = choice.best.expert;
      if (expert != choice.best.expert && !(drawn_uniform(key, a.sites[s], (a.experts + 3) / 4 * 4) > 0.75f)) factor = 0.3333f;
    }
    const float gate = of_expert(choice.gates, expert);
    if (lane == 0) {
      chosen[2 * token + s] = expert;
      weights[2 * token + s] = gate * factor;
    }
    excluded = expert;
  }
}

__global__ void backward_kernel(SparseMixerArguments a, const std::int64_t* chosen, const float* d_weights, const float* aux, float* d_scores) {
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (token >= a.tokens) return;
  const int lane = threadIdx.x % 32;
  const Row row = load_row(a.scores + token * a.experts, a.experts, lane);
  float d[kSlots] = {};
  for (int s = 0; s < 2; ++s) {
    const Choice choice = find_choice(row, a.threshold, s == 0 ? -1 : static_cast<int>(chosen[2 * token]), lane);
    const int expert = static_cast<int>(chosen[2 * token + s]);
    const float passed = d_weights[2 * token + s] * of_expert(choice.gates, expert);
#pragma unroll
    for (int i = 0; i < kSlots; ++i) d[i] += passed * ((lane + 32 * i == expert ? 1.0f : 0.0f) - choice.gates[i]);
  }
  if (aux != nullptr) {
    float gates[kSlots], given[kSlots] = {};
    softmax_kept(row, row.there, find_choice(row, a.threshold, -1, lane).best.value, gates);
    float mean = 0.0f;
#pragma unroll
    for (int i = 0; i < kSlots; ++i) {
      if (row.there[i]) given[i] = aux[lane + 32 * i];
      mean += gates[i] * given[i];
    }
    mean = warp_reduce(mean, Add{});
#pragma unroll
    for (int i = 0; i < kSlots; ++i) d[i] += gates[i] * (given[i] - mean);
  }
#pragma unroll
  for (int i = 0; i < kSlots; ++i)
    if (row.there[i]) d_scores[token * a.experts + lane + 32 * i] = d[i];
}

}  // namespace

cudaError_t sparse_mixer(const SparseMixerArguments& arguments, std::int64_t* chosen, float* weights, cudaStream_t stream) {
  if (arguments.tokens == 0) return cudaSuccess;
  forward_kernel<<<static_cast<unsigned>(divide_up(arguments.tokens, kWarps)), 32 * kWarps, 0, stream>>>(arguments, chosen, weights);
  return cudaGetLastError();
}

cudaError_t sparse_mixer_backward(const SparseMixerArguments& arguments, const std::int64_t* chosen, const float* d_weights, const float* aux, float* d_scores,
                                  cudaStream_t stream) {
  if (arguments.tokens == 0) return cudaSuccess;
  backward_kernel<<<static_cast<unsigned>(divide_up(arguments.tokens, kWarps)), 32 * kWarps, 0, stream>>>(arguments, chosen, d_weights, aux, d_scores);
  return cudaGetLastError();
}

}  // namespace phidias::kernels::cuda
