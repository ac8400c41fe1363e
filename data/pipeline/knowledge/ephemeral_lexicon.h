// Words and two-word phrases (English) that tell what a passage is about and how it speaks: the lexicon of the ephemeral-knowledge features.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

// A word may belong to several.
enum class Lexicon : std::uint8_t {
  month,
  weekday,
  deixis,
  sport,
  outcome,
  odds,
  market,
  weather,
  horoscope,
  lottery,
  obituary,
  job,
  real_estate,
  event,
  television,
  promotion,
  listing,
  transit,
  news,
  page,
  connective,
  narrative,
  history,
  didactic,
  science,
  reader,
  count,
};
inline constexpr std::size_t kLexicons = static_cast<std::size_t>(Lexicon::count);
inline constexpr std::array<std::string_view, kLexicons> kLexiconNames = {
    "month", "weekday",    "deixis",    "sport",   "outcome", "odds", "market", "weather",    "horoscope", "lottery", "obituary", "job",     "real_estate",
    "event", "television", "promotion", "listing", "transit", "news", "page",   "connective", "narrative", "history", "didactic", "science", "reader"};

// Bit i: lexicon i.
using LexiconMask = std::uint32_t;

// FNV-1a over the bytes of a word in lower case; a phrase continues over a space and its second word.
inline constexpr std::uint64_t kLexiconSeed = 14695981039346656037ull;
constexpr std::uint64_t extend_lexicon_hash(std::uint64_t hash, char lower) { return (hash ^ static_cast<unsigned char>(lower)) * 1099511628211ull; }

class LexiconTable {
 public:
  static const LexiconTable& get();
  // Lexicons of the word or phrase with this hash; 0: none.
  LexiconMask find(std::uint64_t hash) const {
    for (std::size_t slot = hash >> kShift;; slot = (slot + 1) & (kSlots - 1)) {
      if (slots_[slot].hash == hash) return slots_[slot].mask;
      if (slots_[slot].mask == 0) return 0;
    }
  }

 private:
  static constexpr int kBits = 13, kShift = 64 - kBits;
  static constexpr std::size_t kSlots = std::size_t{1} << kBits;
  struct Slot {
    std::uint64_t hash = 0;
    LexiconMask mask = 0;
  };
  LexiconTable();
  std::vector<Slot> slots_;
};

}  // namespace phidias::data::pipeline
