// SparseMixer-v2 (sparse_mixer.h): two experts per token, the gradient of their weights, and what the routers' statistics count.
#include "kernels/cpu/level.h"
#include "kernels/cpu/philox.h"

namespace {

constexpr int64_t kMostExperts = 64;

// A slot's best entry, and what is left of the scores around it.
struct Slot {
  int64_t best;
  float largest;
  bool kept[kMostExperts];
};

// `excluded`: the expert of the first slot, or -1. A NaN is never the best unless all are; the result is always another expert than `excluded`.
void find_slot(const float* scores, int64_t experts, float threshold, int64_t excluded, Slot& slot) {
  slot.best = excluded == 0 ? 1 : 0;
  for (int64_t e = slot.best + 1; e < experts; ++e)
    if (e != excluded && (scores[e] > scores[slot.best] || scores[slot.best] != scores[slot.best])) slot.best = e;
  slot.largest = scores[slot.best];
  for (int64_t e = 0; e < experts; ++e) {
    const float size = __builtin_fabsf(scores[e]), factor = size > slot.largest ? size : slot.largest;
    slot.kept[e] = e != excluded && !((slot.largest - scores[e]) / factor > threshold);  // 0 / 0 keeps
  }
}

// Softmax over what was kept, 0 elsewhere.
void softmax_kept(const float* scores, int64_t experts, const Slot& slot, float* gates) {
  float sum = 0.0f;
  for (int64_t e = 0; e < experts; ++e) {
    gates[e] = slot.kept[e] ? __builtin_expf(scores[e] - slot.largest) : 0.0f;
    sum += gates[e];
  }
  for (int64_t e = 0; e < experts; ++e) gates[e] /= sum;
}

struct Draws {
  float uniforms[kMostExperts];
  float midpoint;
};

void draw(uint64_t token_key, uint64_t site, int64_t experts, Draws& draws) {
  for (int64_t begin = 0; begin <= experts; begin += 4 * kLanes) {
    DrawnBlocks blocks;
    draw_blocks(token_key, site, static_cast<uint32_t>(begin / 4), blocks);
    for (int64_t i = 0; i < 4 * kLanes; ++i) {
      const int64_t element = begin + i;
      const float u = open_uniform(blocks.words[i % 4][i / 4]);
      if (element < experts) draws.uniforms[element] = u;
      if (element == (experts + 3) / 4 * 4) draws.midpoint = u;
    }
  }
}

// Gumbel-max: the largest of score - ln(E), E = -ln(u).
int64_t sample(const float* scores, int64_t experts, const Slot& slot, const Draws& draws) {
  int64_t chosen = slot.best;
  float largest = -__builtin_inff();
  for (int64_t e = 0; e < experts; ++e) {
    if (!slot.kept[e]) continue;
    const float noisy = scores[e] - __builtin_logf(-__builtin_logf(draws.uniforms[e]));
    if (noisy > largest) {
      largest = noisy;
      chosen = e;
    }
  }
  return chosen;
}

void sparse_mixer(const MixerProblem& p, int64_t* chosen, float* weights) {
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t t = 0; t < p.tokens; ++t) {
    const float* scores = p.scores + t * p.experts;
    int64_t excluded = -1;
    for (int64_t s = 0; s < 2; ++s) {
      Slot slot;
      float gates[kMostExperts];
      find_slot(scores, p.experts, p.threshold, excluded, slot);
      softmax_kept(scores, p.experts, slot, gates);
      int64_t expert = slot.best;
      float factor = 1.0f;
      if (p.draw_keys != nullptr) {
        Draws draws;
        draw(static_cast<uint64_t>(p.draw_keys[t]), p.sites[s], p.experts, draws);
        expert = sample(scores, p.experts, slot, draws);
        if (expert != slot.best && !(draws.midpoint > 0.75f)) factor = 0.3333f;
      }
      chosen[2 * t + s] = expert;
      weights[2 * t + s] = gates[expert] * factor;
      excluded = expert;
    }
  }
}

void sparse_mixer_backward(const MixerProblem& p, const int64_t* chosen, const float* d_weights, const float* aux, float* d_scores) {
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t t = 0; t < p.tokens; ++t) {
    const float* scores = p.scores + t * p.experts;
    float *d = d_scores + t * p.experts, gates[kMostExperts];
    for (int64_t e = 0; e < p.experts; ++e) d[e] = 0.0f;
    for (int64_t s = 0; s < 2; ++s) {
      Slot slot;
      find_slot(scores, p.experts, p.threshold, s == 0 ? -1 : chosen[2 * t], slot);
      softmax_kept(scores, p.experts, slot, gates);
      const int64_t expert = chosen[2 * t + s];
      const float passed = d_weights[2 * t + s] * gates[expert];
      for (int64_t e = 0; e < p.experts; ++e) d[e] -= passed * gates[e];
      d[expert] += passed;
    }
    if (aux == nullptr) continue;
    Slot all;
    find_slot(scores, p.experts, p.threshold, -1, all);
    for (int64_t e = 0; e < p.experts; ++e) all.kept[e] = true;
    softmax_kept(scores, p.experts, all, gates);
    float mean = 0.0f;
    for (int64_t e = 0; e < p.experts; ++e) mean += gates[e] * aux[e];
    for (int64_t e = 0; e < p.experts; ++e) d[e] += gates[e] * (aux[e] - mean);
  }
}

void routing_statistics(const MixerProblem& p, const int64_t* chosen, int64_t* load, int64_t* top_counts, float* probability_sum, float* partial) {
  const int64_t blocks = (p.tokens + kNormBlock - 1) / kNormBlock, experts = p.experts;
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t block = 0; block < blocks; ++block) {
    float *loads = partial + block * 3 * experts, *tops = loads + experts, *sums = tops + experts;
    for (int64_t e = 0; e < 3 * experts; ++e) loads[e] = 0.0f;
    const int64_t end = p.tokens < (block + 1) * kNormBlock ? p.tokens : (block + 1) * kNormBlock;
    for (int64_t t = block * kNormBlock; t < end; ++t) {
      const float* scores = p.scores + t * experts;
      Slot slot;
      float gates[kMostExperts];
      find_slot(scores, experts, p.threshold, -1, slot);
      const int64_t first = slot.best;
      for (int64_t e = 0; e < experts; ++e) slot.kept[e] = true;
      softmax_kept(scores, experts, slot, gates);
      for (int64_t e = 0; e < experts; ++e) sums[e] += gates[e];
      find_slot(scores, experts, p.threshold, first, slot);
      for (int64_t s = 0; s < 2; ++s) loads[chosen[2 * t + s]] += 1.0f;
      tops[first] += 1.0f;
      tops[slot.best] += 1.0f;
    }
  }
  // Blocks are added in their order; a block's counts are small enough to be exact.
  for (int64_t e = 0; e < experts; ++e) {
    int64_t load_total = 0, top_total = 0;
    double sum = 0.0;
    for (int64_t block = 0; block < blocks; ++block) {
      const float* counts = partial + block * 3 * experts + e;
      load_total += static_cast<int64_t>(counts[0]);
      top_total += static_cast<int64_t>(counts[experts]);
      sum += static_cast<double>(counts[2 * experts]);
    }
    load[e] = load_total;
    top_counts[e] = top_total;
    probability_sum[e] = static_cast<float>(sum);
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_routing(Kernels& kernels) {
  kernels.sparse_mixer = sparse_mixer;
  kernels.sparse_mixer_backward = sparse_mixer_backward;
  kernels.routing_statistics = routing_statistics;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
