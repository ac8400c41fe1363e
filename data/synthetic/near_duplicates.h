// Texts that are nearly the same: Jaccard similarity of their sets of word shingles, exactly, without comparing all pairs.
//
//   NearDuplicates seen(0.8, 5);
//   if (auto earlier = seen.find(text)) ...; else seen.add(text, number);
//
// Words: maximal runs of letters, marks, digits and _ of the text in lower case. A text of fewer words than a shingle is one shingle. Candidates come from the
// prefix filter (Chaudhuri et al., "A primitive operator for similarity joins", 2006): two sets of similarity t share one of the first |S| - ceil(t |S|) + 1
// elements in any common order. Memory: 8 bytes per shingle, and 12 per shingle of the prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace phidias::data {

// Lower-cased words; `text` is valid UTF-8.
std::vector<std::string> plain_words(std::string_view text);
// Hashes of the shingles, rising, each once. Empty for a text without words.
std::vector<std::uint64_t> shingles(const std::vector<std::string>& words, std::size_t length);
double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

class NearDuplicates {
 public:
  // threshold in (0, 1]: 1 finds texts with the same shingles only.
  NearDuplicates(double threshold, std::size_t shingle_words) : threshold_(threshold), shingle_words_(shingle_words) {}
  // Number of the first text of at least that similarity; texts without words resemble nothing.
  std::optional<std::int64_t> find(std::string_view text) const;
  void add(std::string_view text, std::int64_t number);

 private:
  std::size_t prefix_length(std::size_t size) const;
  double threshold_;
  std::size_t shingle_words_;
  struct Text {
    std::int64_t number;
    std::vector<std::uint64_t> shingles;
  };
  std::vector<Text> texts_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> prefixes_;  // shingle -> texts
};

}  // namespace phidias::data
