#include "data/pipeline/quality/repeated_ngrams.h"

#include <algorithm>
#include <bit>

#include "data/pipeline/characters.h"

namespace phidias::data::pipeline {

void RepeatedNgrams::reset(std::string_view text, const Words& words, std::size_t smallest) {
  words_ = words.size();
  level_ = 1;
  table_.reset(text, words.size());
  ids_.resize(words_);
  joined_.resize(text.size() + 16);
  offsets_.resize(words_ + 1);
  characters_.resize(words_ + 1);
  const bool ascii = is_ascii(text);
  char* const begin = joined_.data();
  char* to = begin;
  const char* last_safe = text.data() + text.size() - std::min<std::size_t>(text.size(), 16);
  std::uint32_t characters = 0;
  for (std::size_t i = 0; i < words_; ++i) {
    const std::string_view word = words[i];
    ids_[i] = table_.add(word);
    offsets_[i] = static_cast<std::uint32_t>(to - begin);
    characters_[i] = characters;
    if (word.size() <= 16 && word.data() < last_safe)
      std::memcpy(to, word.data(), 16);  // cheaper than the exact size; what is too much is overwritten
    else
      std::memcpy(to, word.data(), word.size());
    to += word.size();
    characters += static_cast<std::uint32_t>(ascii ? word.size() : count_characters(word));
  }
  std::memset(to, 0, 16);
  offsets_[words_] = static_cast<std::uint32_t>(to - begin);
  characters_[words_] = characters;
  repeated_.resize(table_.size());
  for (std::uint32_t id = 0; id < table_.size(); ++id) repeated_[id] = table_.count(id) > 1;
  find_candidates(smallest);
}

std::uint32_t RepeatedNgrams::add_pair(std::uint64_t key, std::uint32_t position) {
  for (std::size_t slot = mix_words(key, 0) & mask_;; slot = (slot + 1) & mask_) {
    Pair& pair = pairs_[slot];
    if (pair.id == kUnique) {
      pair = {key, static_cast<std::uint32_t>(grams_.size())};
      grams_.push_back({position, 1});
      return pair.id;
    }
    if (pair.key != key) continue;
    ++grams_[pair.id].count;
    return pair.id;
  }
}

// From n-grams to those one word longer: two that overlap, both seen twice or more, or it stands once.
void RepeatedNgrams::raise_level() {
  const std::size_t grams = words_ - level_;
  const auto may_repeat = [&](std::size_t i) { return ids_[i] != kUnique && repeated_[ids_[i]] != 0; };
  std::size_t candidates = 0;
  bool left = may_repeat(0);
  for (std::size_t i = 0; i < grams; ++i) {
    const bool right = may_repeat(i + 1);
    candidates += left && right;
    left = right;
  }
  mask_ = std::bit_ceil(std::max<std::size_t>(2 * candidates, 16)) - 1;
  pairs_.assign(mask_ + 1, {0, kUnique});
  grams_.clear();
  left = may_repeat(0);
  for (std::size_t i = 0; i < grams; ++i) {
    const bool right = may_repeat(i + 1);
    ids_[i] = left && right ? add_pair(std::uint64_t{ids_[i]} << 32 | ids_[i + 1], static_cast<std::uint32_t>(i)) : kUnique;
    left = right;
  }
  ids_.resize(grams);
  repeated_.resize(grams_.size());
  for (std::size_t id = 0; id < grams_.size(); ++id) repeated_[id] = grams_[id].count > 1;
  ++level_;
}

std::size_t RepeatedNgrams::top(std::size_t n, bool spaces) {
  if (words_ < n) return 0;
  while (level_ < n) raise_level();
  Gram best{0, 1};
  for (const Gram& gram : grams_)
    if (gram.count > best.count) best = gram;
  return (characters_between(best.first, best.first + n) + (spaces ? n - 1 : 0)) * best.count;
}

void RepeatedNgrams::find_candidates(std::size_t smallest) {
  candidates_.clear();
  if (words_ < smallest) return;
  const std::size_t grams = words_ - smallest + 1;
  std::size_t shortest = 16;
  for (std::size_t i = 0; i < grams; ++i) shortest = std::min<std::size_t>(shortest, offsets_[i + smallest] - offsets_[i]);
  const std::uint64_t keep_first = shortest >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * shortest)) - 1;
  const std::uint64_t keep_second = shortest >= 16 ? ~std::uint64_t{0} : shortest > 8 ? (std::uint64_t{1} << (8 * (shortest - 8))) - 1 : 0;
  // Beginnings that share a slot count as equal: a few candidates too many.
  const std::size_t mask = std::bit_ceil(std::max<std::size_t>(8 * grams, 64)) - 1;
  beginnings_.assign(mask + 1, 0);
  hashes_.resize(grams);
  for (std::size_t i = 0; i < grams; ++i) {
    const char* at = joined_.data() + offsets_[i];
    hashes_[i] = static_cast<std::uint32_t>(mix_words(load_word(at) & keep_first, load_word(at + 8) & keep_second) & mask);
    std::uint8_t& seen = beginnings_[hashes_[i]];
    seen = static_cast<std::uint8_t>(seen == 0 ? 1 : 2);
  }
  for (std::size_t i = 0; i < grams; ++i)
    if (beginnings_[hashes_[i]] > 1) candidates_.push_back(static_cast<std::uint32_t>(i));
}

void RepeatedNgrams::clear_slots(std::size_t entries) {
  mask_ = std::bit_ceil(std::max<std::size_t>(2 * entries, 16)) - 1;
  slots_.assign(mask_ + 1, 0);
  grams_.clear();
}

std::uint32_t RepeatedNgrams::add_joined(std::uint32_t position, std::size_t n) {
  const char* text = joined_.data() + offsets_[position];
  const std::size_t size = offsets_[position + n] - offsets_[position];
  for (std::size_t slot = hash_text(text, size) & mask_;; slot = (slot + 1) & mask_) {
    const std::uint32_t index = slots_[slot];
    if (index == 0) {
      grams_.push_back({position, 1});
      slots_[slot] = static_cast<std::uint32_t>(grams_.size());
      return static_cast<std::uint32_t>(grams_.size() - 1);
    }
    Gram& gram = grams_[index - 1];
    const std::uint32_t other = offsets_[gram.first];
    if (offsets_[gram.first + n] - other != size || std::memcmp(joined_.data() + other, text, size) != 0) continue;
    ++gram.count;
    return index - 1;
  }
}

std::size_t RepeatedNgrams::duplicated_skipping(std::size_t n) {
  std::size_t characters = 0, next = 0;
  for (const std::uint32_t position : candidates_) {
    if (position < next) continue;
    if (position + n > words_) break;
    if (grams_[add_joined(position, n)].count == 1) continue;
    characters += characters_between(position, position + n);
    next = position + n;
  }
  return characters;
}

std::size_t RepeatedNgrams::duplicated_everywhere(std::size_t n) {
  std::vector<std::uint32_t>& gram_of = hashes_;
  gram_of.clear();
  for (const std::uint32_t position : candidates_) {
    if (position + n > words_) break;
    gram_of.push_back(add_joined(position, n));
  }
  std::size_t characters = 0, covered = 0;  // words before `covered` are counted
  for (std::size_t i = 0; i < gram_of.size(); ++i) {
    if (grams_[gram_of[i]].count == 1) continue;
    const std::size_t first = std::max<std::size_t>(candidates_[i], covered);
    covered = candidates_[i] + n;
    characters += characters_between(first, covered);
  }
  return characters;
}

std::size_t RepeatedNgrams::duplicated(std::size_t n, NgramCover cover) {
  if (words_ < n) return 0;
  clear_slots(candidates_.size());
  return cover == NgramCover::skip ? duplicated_skipping(n) : duplicated_everywhere(n);
}

}  // namespace phidias::data::pipeline
