// Numbers for the distinct strings of one document, in the order in which they are first seen, and how often each was seen.
//
//   StringTable lines;
//   lines.reset(text, expected);                 // forgets everything; keeps memory
//   std::uint32_t id = lines.add(line);          // lines.count(id) is now 1 or more
//
// Exact: strings are compared, not hashes. The strings are views; those of the text given to reset() are looked at fastest.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

// 64 bits of a string of any length; the same on every machine with little-endian words.
inline std::uint64_t mix_words(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t load_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// The first `bytes` bytes (in memory) of a word; 8 at most.
inline std::uint64_t low_bytes(std::uint64_t word, std::size_t bytes) { return bytes >= 8 ? word : word & ((std::uint64_t{1} << (8 * bytes)) - 1); }

// More than 16 bytes.
inline std::uint64_t hash_long(const char* at, std::size_t size) {
  const char* const last = at + size - 16;
  std::uint64_t hash = size;
  for (; at < last; at += 16) hash = mix_words(hash ^ load_word(at), load_word(at + 8));
  return mix_words(hash ^ load_word(last), load_word(last + 8));
}

class StringTable {
 public:
  // `expected`: strings that will be added, at most (more must not be). `text`: most of them are views into it.
  void reset(std::string_view text, std::size_t expected) {
    used_ = 0;
    if (entries_.size() < expected) entries_.resize(expected);
    limit_ = text.size() < 16 ? nullptr : text.data() + text.size() - 16;
    begin_ = text.data();
    const std::size_t size = std::bit_ceil(std::max<std::size_t>(2 * expected, 16));
    mask_ = size - 1;
    slots_.assign(size, 0);
  }

  std::uint32_t add(std::string_view text) {
    std::uint64_t first, second = 0;
    if (text.size() > 16) {
      first = hash_long(text.data(), text.size());
      return add(text, first, 0, first, true);
    }
    load_short(text, first, second);
    return add(text, first, second, mix_words(first + text.size(), second), false);
  }

  std::size_t size() const { return used_; }
  std::uint32_t count(std::uint32_t id) const { return entries_[id].count; }
  std::string_view text(std::uint32_t id) const { return entries_[id].text; }

 private:
  struct Entry {
    std::uint64_t first, second;  // up to 16 bytes of text, zeros behind; of longer text the hash
    std::string_view text;
    std::uint32_t count;
  };

  std::uint32_t add(std::string_view text, std::uint64_t first, std::uint64_t second, std::uint64_t hash, bool is_long) {
    for (std::size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const std::uint32_t id = slots_[slot];
      if (id == 0) {
        entries_[used_] = {first, second, text, 1};
        slots_[slot] = ++used_;
        return used_ - 1;
      }
      Entry& entry = entries_[id - 1];
      if (entry.first != first || entry.second != second || entry.text.size() != text.size() || (is_long && entry.text != text)) continue;
      ++entry.count;
      return id - 1;
    }
  }

  // Reads past a short string when the text goes on.
  void load_short(std::string_view text, std::uint64_t& first, std::uint64_t& second) const {
    if (limit_ != nullptr && text.data() >= begin_ && text.data() <= limit_) {
      first = load_word(text.data());
      second = load_word(text.data() + 8);
      const std::size_t size = text.size();
      first = low_bytes(first, size);
      second = size > 8 ? low_bytes(second, size - 8) : 0;
      return;
    }
    char bytes[16] = {};
    std::memcpy(bytes, text.data(), text.size());
    first = load_word(bytes);
    second = load_word(bytes + 8);
  }

  std::vector<Entry> entries_;  // the first used_ count
  std::uint32_t used_ = 0;
  std::vector<std::uint32_t> slots_;  // id + 1; 0: free
  std::size_t mask_ = 0;
  const char *begin_ = nullptr, *limit_ = nullptr;
};

}  // namespace phidias::data::pipeline
