// Texts with known near-duplicates: originals of random words and copies in which a share of the words was replaced. The same on every machine.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/data/pipeline/dedup/collective_driver.h"

namespace phidias::data::pipeline {

inline std::string random_word(std::mt19937& generator) {
  std::string word;
  for (std::uint32_t length = 3 + generator() % 6; length > 0; --length) word += static_cast<char>('a' + generator() % 26);
  return word;
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// `originals` texts of 60 to 260 words; of each, two copies per share of edited words, the copies shuffled over the corpus.
inline std::vector<Sample> edited_corpus(int originals, const std::vector<double>& shares, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Sample> samples;
  for (int i = 0; i < originals; ++i) {
    std::vector<std::string> words(60 + generator() % 200);
    for (std::string& word : words) word = random_word(generator);
    samples.push_back({.text = joined(words)});
    for (const double share : shares) {
      for (int copy = 0; copy < 2; ++copy) {
        std::vector<std::string> edited = words;
        for (std::string& word : edited)
          if (generator() % 10000 < share * 10000) word = random_word(generator);
        samples.push_back({.text = joined(edited)});
      }
    }
  }
  for (std::size_t i = samples.size(); i > 1; --i) std::swap(samples[i - 1], samples[generator() % i]);
  return samples;
}

// Different runs of five words: the oracle's own shingles, of texts that are normalised already.
inline std::set<std::string> word_shingles(const std::string& text) {
  std::set<std::string> shingles;
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == ' ') starts.push_back(i + 1);
  for (std::size_t i = 0; i + 5 <= starts.size(); ++i) {
    const std::size_t end = i + 5 < starts.size() ? starts[i + 5] - 1 : text.size();
    shingles.insert(text.substr(starts[i], end - starts[i]));
  }
  return shingles;
}

inline double true_jaccard(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::size_t shared = 0;
  for (const std::string& shingle : a) shared += b.count(shingle);
  return static_cast<double>(shared) / static_cast<double>(a.size() + b.size() - shared);
}

}  // namespace phidias::data::pipeline
