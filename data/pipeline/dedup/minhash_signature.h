// MinHash signatures, bit for bit datatrove's (dedup/minhash.py): shingles are xxh64 of `words` normalised words joined by spaces; permutation i maps a
// shingle x to (a_i x + b_i mod 2^64) mod (2^61 - 1); the signature holds each permutation's minimum. a and b are what numpy's
// RandomState(seed).randint(1, 2^61 - 1) and randint(0, 2^61 - 1) draw.
//
//   MinhashSignature signature({.bands = 20, .rows = 5});
//   signature.minima(shingles, minima);             // minima.size() == 100
//
// The loop over shingles and permutations runs in AVX-512 (DQ) or AVX2 where the machine has it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/pipeline/dedup/text_normaliser.h"

namespace phidias::data::pipeline {

enum class VectorLevel { plain, avx2, avx512 };

// The highest that this machine runs.
VectorLevel vector_level();

struct Permutations {
  // `count` of them. Padded to whole vectors by repeating the last.
  Permutations(std::size_t count, std::uint32_t seed);
  std::size_t count;
  std::vector<std::uint64_t> a, b;
};

// Replaces `minima` by permutations.count values; with no shingles they are 2^64 - 1.
void minhash_minima(const Permutations& permutations, std::span<const std::uint64_t> shingles, std::vector<std::uint64_t>& minima,
                    VectorLevel level = vector_level());

// Replaces `shingles`: xxh64 of each run of `words` words; none for a text with fewer words.
void hash_shingles(const NormalisedText& text, std::size_t words, std::vector<std::uint64_t>& shingles);

// A 64-bit key per band of `rows` minima: XXH3-64 with the band as seed. Appends minima.size() / rows keys.
void append_band_keys(std::span<const std::uint64_t> minima, std::size_t rows, std::uint64_t seed, std::vector<std::uint64_t>& keys);

// Probability that two documents of this Jaccard similarity share a band: 1 - (1 - s^rows)^bands.
double match_probability(double similarity, std::int64_t bands, std::int64_t rows);

}  // namespace phidias::data::pipeline
