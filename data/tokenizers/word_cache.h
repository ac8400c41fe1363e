// Words already encoded, in a direct-mapped table: one cache line per word of up to 24 bytes and 8 ids. Owned by one thread at a time.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace phidias::data {

inline constexpr std::size_t kMaxWordLength = 24;

// mask[n]: the first n bytes of 24, as three little-endian words.
struct WordMasks {
  std::uint64_t mask[kMaxWordLength + 1][3] = {};
  constexpr WordMasks() {
    for (std::size_t length = 0; length <= kMaxWordLength; ++length) {
      for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t bytes = length <= 8 * i ? 0 : length - 8 * i;
        mask[length][i] = bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
      }
    }
  }
  constexpr const std::uint64_t* operator[](std::size_t length) const { return mask[length]; }
};

class WordCache {
 public:
  static constexpr std::size_t kMaxLength = kMaxWordLength, kMaxIds = 8;

  struct alignas(64) Slot {
    std::uint64_t key[3];
    std::int32_t ids[kMaxIds];
    std::uint8_t length, count;  // length 0: empty
  };

  WordCache() : slots_(static_cast<Slot*>(std::aligned_alloc(alignof(Slot), kSlots * sizeof(Slot)))) {
    if (!slots_) throw std::bad_alloc();
    for (std::size_t i = 0; i < kSlots; ++i) slots_.get()[i].length = 0;
  }

  // The slot of a word of 1..24 bytes, whose 24 bytes from `word` on are readable. A hit when it already holds the word; else its key is set
  // to the word, its ids are stale and the caller either fills them or calls `forget`.
  Slot& find(const char* word, std::size_t length, bool& hit) {
    std::uint64_t key[3];
    std::memcpy(key, word, sizeof key);
    for (int i = 0; i < 3; ++i) key[i] &= kMasks[length][i];
    std::uint64_t hash = key[0] * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (hash >> 32) ^ key[1]) * 0xBF58476D1CE4E5B9u;
    if (length > 16) hash = (hash ^ (hash >> 32) ^ key[2]) * 0x94D049BB133111EBu;
    Slot& slot = slots_.get()[(hash ^ (length * 0x9E3779B97F4A7C15u)) >> (64 - kSlotBits)];
    hit = slot.length == length && ((slot.key[0] ^ key[0]) | (slot.key[1] ^ key[1]) | (slot.key[2] ^ key[2])) == 0;
    if (!hit) {
      std::memcpy(slot.key, key, sizeof key);
      slot.length = static_cast<std::uint8_t>(length);
    }
    return slot;
  }
  static void forget(Slot& slot) { slot.length = 0; }

 private:
  static constexpr int kSlotBits = 15;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  static constexpr WordMasks kMasks{};
  std::unique_ptr<Slot, Free> slots_;
};

}  // namespace phidias::data
