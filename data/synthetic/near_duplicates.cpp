#include "data/synthetic/near_duplicates.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "data/pipeline/decontaminate/simplified_text.h"
#include "data/pipeline/quality/lower_case.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {

std::vector<std::string> plain_words(std::string_view text) {
  const std::string lower = pipeline::lower_case(text);
  const CharacterClasses& classes = CharacterClasses::get();
  std::vector<std::string> words;
  bool open = false;
  for (std::size_t i = 0; i < lower.size();) {
    const auto length = static_cast<std::size_t>(utf8_length(lower[i]));
    const std::uint8_t kind = classes.of(decode_utf8(lower.data() + i));
    if (lower[i] == '_' || (kind & (CharacterClasses::letter | CharacterClasses::mark | CharacterClasses::number)) != 0) {
      if (!open) words.emplace_back();
      words.back().append(lower, i, length);
      open = true;
    } else {
      open = false;
    }
    i += length;
  }
  return words;
}

std::vector<std::uint64_t> shingles(const std::vector<std::string>& words, std::size_t length) {
  std::vector<std::uint64_t> hashes;
  const std::size_t size = std::min(length, words.size());
  std::string shingle;
  for (std::size_t i = 0; size > 0 && i + size <= words.size(); ++i) {
    shingle.clear();
    for (std::size_t k = 0; k < size; ++k) shingle += words[i + k] + '\x1f';
    hashes.push_back(hash_string(shingle).low);
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t common = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    common += *x == *y;
    const bool left = *x <= *y, right = *y <= *x;
    x += left;
    y += right;
  }
  const std::size_t either = a.size() + b.size() - common;
  return either == 0 ? 0 : static_cast<double>(common) / static_cast<double>(either);
}

std::size_t NearDuplicates::prefix_length(std::size_t size) const {
  constexpr double kRounding = 1e-9;  // 0.8 * 5 is to be 4, not 5
  return size - static_cast<std::size_t>(std::ceil(threshold_ * static_cast<double>(size) - kRounding)) + 1;
}

std::optional<std::int64_t> NearDuplicates::find(std::string_view text) const {
  const std::vector<std::uint64_t> own = shingles(plain_words(text), shingle_words_);
  if (own.empty()) return std::nullopt;
  std::vector<std::uint32_t> candidates;
  for (std::size_t i = 0; i < prefix_length(own.size()); ++i)
    if (const auto found = prefixes_.find(own[i]); found != prefixes_.end()) candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  for (const std::uint32_t candidate : candidates)
    if (jaccard(own, texts_[candidate].shingles) >= threshold_) return texts_[candidate].number;
  return std::nullopt;
}

void NearDuplicates::add(std::string_view text, std::int64_t number) {
  std::vector<std::uint64_t> own = shingles(plain_words(text), shingle_words_);
  if (own.empty()) return;
  for (std::size_t i = 0; i < prefix_length(own.size()); ++i) prefixes_[own[i]].push_back(static_cast<std::uint32_t>(texts_.size()));
  texts_.push_back({number, std::move(own)});
}

}  // namespace phidias::data
