// Linear models over hashed character n-grams that tell languages of one script apart.
//
// A word is a run of letters of the script, folded to lower case, with a mark (0) before and behind; its n-grams (n = 2, 3, 4) are rows of a table of 8-bit
// weights, one column per language. Row of the code points c1..cn, in 32-bit arithmetic: h = c1; h = h * 0x9E3779B1 + ci; h ^= h >> 15; h *= 0x85EBCA6B; the
// top bits. Evidence for a language: scale * sum of its weights / n * sqrt(min(n, 2000)) over the n n-grams of the text; probabilities are its softmax.
// scripts/train_language_model.py trains the tables and writes the file, whose bytes are part of the program.
//
// File, little endian: "phidlid1", u32 groups (Latin, Cyrillic, Arabic); per group u32 languages, u32 bits of the table, u32 bytes of a row, f32 scale;
// per language three bytes of its ISO 639-1 code and one that is 1 for the languages that are answers (the others are known so that they are not mistaken for
// one); then 2^bits rows.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct LanguageOfScript {
  std::string code;
  bool is_answer = false;
};

class NgramLanguageModel {
 public:
  static constexpr std::uint64_t kLongest = 2000;  // n-grams; evidence does not grow beyond
  static constexpr std::size_t kMaximumLanguages = 32;

  struct Group {
    std::vector<LanguageOfScript> languages;
    int bits = 0;
    std::size_t stride = 0;  // bytes of a row
    float scale = 0;
    std::vector<std::int8_t> rows;
  };

  // The model that the program carries.
  static const NgramLanguageModel& built_in();
  // Throws DataError when the bytes are no model; `name` says which.
  NgramLanguageModel(std::string_view bytes, const std::string& name);
  const std::vector<Group>& groups() const { return groups_; }

 private:
  std::vector<Group> groups_;
};

// Sums up the evidence of one text in one script.
class NgramEvidence {
 public:
  explicit NgramEvidence(const NgramLanguageModel::Group& group) : group_(&group) {}
  void clear();
  // A folded letter of the script, or 0 for what stands between words.
  void add(std::uint32_t letter) {
    if (letter == 0 && last_[0] == 0) return;
    add_ngrams(letter);
  }
  // One per language; equal ones when there is no n-gram.
  void probabilities(std::vector<double>& probabilities);

 private:
  void add_ngrams(std::uint32_t letter);
  void add_row(std::uint32_t hash) {
    hash ^= hash >> 15;
    hash *= 0x85EBCA6Bu;
    rows_[pending_] = hash >> (32 - group_->bits);
    if (++pending_ == kPortion) flush();
  }
  void flush();

  // Rows are added up in portions: that many 8-bit weights fit into 16 bits, and their loads overlap.
  static constexpr std::size_t kPortion = 256;

  const NgramLanguageModel::Group* group_;
  std::array<std::uint32_t, 3> last_{};  // latest first; 0 is a mark
  std::uint64_t ngrams_ = 0;
  std::size_t pending_ = 0;
  std::array<std::uint32_t, kPortion> rows_{};  // the first pending_ wait
  std::array<std::int64_t, NgramLanguageModel::kMaximumLanguages> totals_{};
};

}  // namespace phidias::data::pipeline
