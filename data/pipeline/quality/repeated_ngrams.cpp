#include "data/pipeline/quality/repeated_ngrams.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "data/pipeline/characters.h"

namespace phidias::data::pipeline {

void RepeatedNgrams::reset(std::string_view text, const Words& words) {
  words_ = words.size();
  level_ = 1;
  table_.reset(text, words.size());
  ids_.resize(words_);
  joined_.resize(text.size() + kLongestBeginning);
  offsets_.resize(words_ + 1);
  characters_.resize(words_ + 1);
  const bool ascii = is_ascii(text);
  char* const begin = joined_.data();
  char* to = begin;
  const char* last_safe = text.data() + text.size() - std::min<std::size_t>(text.size(), 16);
  std::uint32_t characters = 0;
  for (std::size_t i = 0; i < words_; ++i) {
    const std::string_view word = words[i];
    ids_[i] = table_.add(word) + 1;
    offsets_[i] = static_cast<std::uint32_t>(to - begin);
    characters_[i] = characters;
    if (word.size() <= 16 && word.data() < last_safe)
      std::memcpy(to, word.data(), 16);  // cheaper than the exact size; what is too much is overwritten
    else
      std::memcpy(to, word.data(), word.size());
    to += word.size();
    characters += static_cast<std::uint32_t>(ascii ? word.size() : count_characters(word));
  }
  std::memset(to, 0, kLongestBeginning);
  offsets_[words_] = static_cast<std::uint32_t>(to - begin);
  characters_[words_] = characters;
  repeated_.assign(table_.size() + 1, 0);
  for (std::uint32_t id = 0; id < table_.size(); ++id) repeated_[id + 1] = table_.count(id) > 1;
  candidates_.resize(words_);
  std::iota(candidates_.begin(), candidates_.end(), 0u);
  beginning_ = 0;
}

std::uint32_t RepeatedNgrams::add_pair(std::uint64_t key, std::uint32_t position) {
  for (std::size_t slot = mix_words(key, 0) & mask_;; slot = (slot + 1) & mask_) {
    Pair& pair = pairs_[slot];
    if (pair.id == kUnique) {
      grams_.push_back({position, 1});
      pair = {key, static_cast<std::uint32_t>(grams_.size())};
      return pair.id;
    }
    if (pair.key != key) continue;
    ++grams_[pair.id - 1].count;
    return pair.id;
  }
}

// From n-grams to those one word longer: two that overlap, both seen twice or more, or it stands once.
void RepeatedNgrams::raise_level() {
  const std::size_t grams = words_ - level_;
  places_.resize(grams + 1);
  keys_.resize(grams + 1);
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < grams; ++i) {  // without branches: whether an n-gram repeats cannot be foretold
    places_[pairs] = static_cast<std::uint32_t>(i);
    keys_[pairs] = std::uint64_t{ids_[i]} << 32 | ids_[i + 1];
    pairs += repeated_[ids_[i]] & repeated_[ids_[i + 1]];
  }
  mask_ = std::bit_ceil(std::max<std::size_t>(2 * pairs, 16)) - 1;
  pairs_.assign(mask_ + 1, {0, kUnique});
  grams_.clear();
  ids_.assign(grams, kUnique);
  for (std::size_t i = 0; i < pairs; ++i) ids_[places_[i]] = add_pair(keys_[i], places_[i]);
  repeated_.assign(grams_.size() + 1, 0);
  for (std::size_t id = 0; id < grams_.size(); ++id) repeated_[id + 1] = grams_[id].count > 1;
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

// Two n-grams are equal only if they begin with the same bytes, as many as the shortest n-gram has. An n-gram contains a shorter one at the same place, so
// what is left serves larger n as well.
void RepeatedNgrams::find_candidates(std::size_t n) {
  while (!candidates_.empty() && candidates_.back() + n > words_) candidates_.pop_back();
  std::size_t shortest = kLongestBeginning;
  for (const std::uint32_t i : candidates_) shortest = std::min<std::size_t>(shortest, offsets_[i + n] - offsets_[i]);
  if (shortest <= beginning_) return;
  beginning_ = shortest;
  const auto bytes_of = [&](std::size_t word) { return shortest <= 8 * word ? 0 : std::min<std::size_t>(8, shortest - 8 * word); };
  std::uint64_t keep[4];
  for (std::size_t word = 0; word < 4; ++word) keep[word] = bytes_of(word) == 0 ? 0 : low_bytes(~std::uint64_t{0}, bytes_of(word));
  // Beginnings that share a slot count as equal: a few candidates too many.
  const std::size_t mask = std::bit_ceil(std::max<std::size_t>(8 * candidates_.size(), 64)) - 1;
  beginnings_.assign(mask + 1, 0);
  hashes_.resize(candidates_.size());
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const char* at = joined_.data() + offsets_[candidates_[i]];
    std::uint64_t hash = mix_words(load_word(at) & keep[0], load_word(at + 8) & keep[1]);
    if (shortest > 16) hash += mix_words(load_word(at + 16) & keep[2], load_word(at + 24) & keep[3]);
    hashes_[i] = static_cast<std::uint32_t>(hash & mask);
    std::uint8_t& seen = beginnings_[hashes_[i]];
    seen = static_cast<std::uint8_t>(1 + (seen > 0));
  }
  std::size_t left = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    candidates_[left] = candidates_[i];
    left += beginnings_[hashes_[i]] > 1;
  }
  candidates_.resize(left);
}

void RepeatedNgrams::clear_slots(std::size_t entries) {
  mask_ = std::bit_ceil(std::max<std::size_t>(2 * entries, 16)) - 1;
  slots_.assign(mask_ + 1, 0);
  grams_.clear();
}

std::uint32_t RepeatedNgrams::add_joined(std::uint32_t position, std::size_t n) {
  const char* text = joined_.data() + offsets_[position];
  const std::size_t size = offsets_[position + n] - offsets_[position];
  const std::uint64_t hash =
      size > 16 ? hash_long(text, size) : mix_words(low_bytes(load_word(text), size), size > 8 ? low_bytes(load_word(text + 8), size - 8) : 0);
  for (std::size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
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
  find_candidates(n);
  clear_slots(candidates_.size());
  return cover == NgramCover::skip ? duplicated_skipping(n) : duplicated_everywhere(n);
}

}  // namespace phidias::data::pipeline
