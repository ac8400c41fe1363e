#include "data/pipeline/dedup/minhash_signature.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 on its own _mm512_undefined_epi32 (bug 105593)
#endif
#include <immintrin.h>
#endif

namespace phidias::data::pipeline {
namespace {

constexpr std::uint64_t kPrime = (1ULL << 61) - 1;
constexpr std::size_t kLanes = 8;

// numpy's legacy bounded draw of 64 bits: masked rejection, upper half first.
std::uint64_t draw(std::mt19937& generator, std::uint64_t range) {
  for (;;) {
    const std::uint64_t high = generator(), low = generator();
    const std::uint64_t value = (high << 32 | low) & kPrime;
    if (value <= range) return value;
  }
}

void minima_plain(const Permutations& p, std::span<const std::uint64_t> shingles, std::uint64_t* minima) {
  for (std::size_t i = 0; i < p.a.size(); ++i) {
    std::uint64_t minimum = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t shingle : shingles) {
      const std::uint64_t y = p.a[i] * shingle + p.b[i];
      const std::uint64_t folded = (y & kPrime) + (y >> 61);
      minimum = std::min(minimum, std::min(folded, folded - kPrime));  // folded < prime: the difference wraps to something greater
    }
    minima[i] = minimum;
  }
}

#if defined(__x86_64__)

// `V` vectors of eight permutations stay in registers while the shingles pass by.
template <int V>
__attribute__((target("avx512f,avx512dq"))) void block_avx512(const std::uint64_t* a, const std::uint64_t* b, std::span<const std::uint64_t> shingles,
                                                              std::uint64_t* minima) {
  const __m512i prime = _mm512_set1_epi64(static_cast<long long>(kPrime));
  __m512i va[V], vb[V], minimum[V];
  for (int v = 0; v < V; ++v) {
    va[v] = _mm512_loadu_si512(a + 8 * v);
    vb[v] = _mm512_loadu_si512(b + 8 * v);
    minimum[v] = _mm512_set1_epi64(-1);
  }
  for (const std::uint64_t shingle : shingles) {
    const __m512i x = _mm512_set1_epi64(static_cast<long long>(shingle));
    for (int v = 0; v < V; ++v) {
      const __m512i y = _mm512_add_epi64(_mm512_mullo_epi64(va[v], x), vb[v]);
      const __m512i folded = _mm512_add_epi64(_mm512_and_si512(y, prime), _mm512_srli_epi64(y, 61));
      minimum[v] = _mm512_min_epu64(minimum[v], _mm512_min_epu64(folded, _mm512_sub_epi64(folded, prime)));
    }
  }
  for (int v = 0; v < V; ++v) _mm512_storeu_si512(minima + 8 * v, minimum[v]);
}

__attribute__((target("avx512f,avx512dq"))) void minima_avx512(const Permutations& p, std::span<const std::uint64_t> shingles, std::uint64_t* minima) {
  std::size_t i = 0;
  for (; i + 4 * kLanes <= p.a.size(); i += 4 * kLanes) block_avx512<4>(&p.a[i], &p.b[i], shingles, minima + i);
  for (; i < p.a.size(); i += kLanes) block_avx512<1>(&p.a[i], &p.b[i], shingles, minima + i);
}

// 64-bit product modulo 2^64 from 32-bit products; values stay below 2^62, so signed comparison serves.
__attribute__((target("avx2"))) void minima_avx2(const Permutations& p, std::span<const std::uint64_t> shingles, std::uint64_t* minima) {
  const __m256i prime = _mm256_set1_epi64x(static_cast<long long>(kPrime)), last = _mm256_set1_epi64x(static_cast<long long>(kPrime - 1));
  constexpr int V = 2;
  for (std::size_t i = 0; i < p.a.size(); i += 4 * V) {
    __m256i a[V], a_high[V], b[V], minimum[V];
    for (int v = 0; v < V; ++v) {
      a[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&p.a[i + 4 * static_cast<std::size_t>(v)]));
      a_high[v] = _mm256_srli_epi64(a[v], 32);
      b[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&p.b[i + 4 * static_cast<std::size_t>(v)]));
      minimum[v] = _mm256_set1_epi64x(std::numeric_limits<std::int64_t>::max());
    }
    for (const std::uint64_t shingle : shingles) {
      const __m256i x = _mm256_set1_epi64x(static_cast<long long>(shingle)), x_high = _mm256_srli_epi64(x, 32);
      for (int v = 0; v < V; ++v) {
        const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a[v], x_high), _mm256_mul_epu32(a_high[v], x));
        const __m256i y = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(a[v], x), _mm256_slli_epi64(cross, 32)), b[v]);
        const __m256i folded = _mm256_add_epi64(_mm256_and_si256(y, prime), _mm256_srli_epi64(y, 61));
        const __m256i value = _mm256_sub_epi64(folded, _mm256_and_si256(_mm256_cmpgt_epi64(folded, last), prime));
        minimum[v] = _mm256_blendv_epi8(minimum[v], value, _mm256_cmpgt_epi64(minimum[v], value));
      }
    }
    for (int v = 0; v < V; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(minima + i + 4 * static_cast<std::size_t>(v)), minimum[v]);
  }
}

#endif

}  // namespace

VectorLevel vector_level() {
#if defined(__x86_64__)
  static const VectorLevel level = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? VectorLevel::avx512
                                   : __builtin_cpu_supports("avx2")                                        ? VectorLevel::avx2
                                                                                                           : VectorLevel::plain;
  return level;
#else
  return VectorLevel::plain;
#endif
}

Permutations::Permutations(std::size_t count, std::uint32_t seed) : count(count) {
  std::mt19937 generator(seed);
  for (std::size_t i = 0; i < count; ++i) a.push_back(1 + draw(generator, kPrime - 2));
  for (std::size_t i = 0; i < count; ++i) b.push_back(draw(generator, kPrime - 1));
  const std::size_t padded = (count + kLanes - 1) / kLanes * kLanes;
  a.resize(padded, a.empty() ? 0 : a.back());
  b.resize(padded, b.empty() ? 0 : b.back());
}

void minhash_minima(const Permutations& permutations, std::span<const std::uint64_t> shingles, std::vector<std::uint64_t>& minima,
                    [[maybe_unused]] VectorLevel level) {
  minima.assign(permutations.a.size(), std::numeric_limits<std::uint64_t>::max());
  if (!shingles.empty()) {
#if defined(__x86_64__)
    if (level == VectorLevel::avx512)
      minima_avx512(permutations, shingles, minima.data());
    else if (level == VectorLevel::avx2)
      minima_avx2(permutations, shingles, minima.data());
    else
#endif
      minima_plain(permutations, shingles, minima.data());
  }
  minima.resize(permutations.count);
}

void hash_shingles(const NormalisedText& text, std::size_t words, std::vector<std::uint64_t>& shingles) {
  shingles.clear();
  for (std::size_t first = 0; first + words <= text.starts.size(); ++first) {
    const std::string_view shingle = text.words(first, words);
    shingles.push_back(XXH64(shingle.data(), shingle.size(), 0));
  }
}

void append_band_keys(std::span<const std::uint64_t> minima, std::size_t rows, std::uint64_t seed, std::vector<std::uint64_t>& keys) {
  for (std::size_t at = 0; at + rows <= minima.size(); at += rows)
    keys.push_back(XXH3_64bits_withSeed(minima.data() + at, rows * sizeof(std::uint64_t), seed + at / rows));
}

double match_probability(double similarity, std::int64_t bands, std::int64_t rows) {
  return 1 - std::pow(1 - std::pow(similarity, static_cast<double>(rows)), static_cast<double>(bands));
}

}  // namespace phidias::data::pipeline
