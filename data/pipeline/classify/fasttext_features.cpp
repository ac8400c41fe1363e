#include "data/pipeline/classify/fasttext_features.h"

#include <array>
#include <bit>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kEndOfLine = "</s>";
constexpr std::string_view kLabelPrefix = "__label__";  // a model file does not say which prefix it was trained with
constexpr std::uint32_t kFnvOffset = 2166136261u, kFnvPrime = 16777619u;

std::uint32_t hash_byte(std::uint32_t hash, char byte) { return (hash ^ static_cast<std::uint32_t>(static_cast<std::int8_t>(byte))) * kFnvPrime; }

constexpr std::array<bool, 256> kSeparators = [] {
  std::array<bool, 256> separators{};
  for (const char byte : {' ', '\n', '\r', '\t', '\v', '\f', '\0'}) separators[static_cast<unsigned char>(byte)] = true;
  return separators;
}();

bool is_separator(char byte) { return kSeparators[static_cast<unsigned char>(byte)]; }

}  // namespace

std::uint32_t fasttext_hash(std::string_view text) {
  std::uint32_t hash = kFnvOffset;
  for (const char byte : text) hash = hash_byte(hash, byte);
  return hash;
}

FastTextFeatures::FastTextFeatures(FastTextFile& file)
    : word_count_(static_cast<std::int32_t>(file.words.size())),
      word_ngrams_(file.word_ngrams),
      shortest_ngram_(file.shortest_ngram),
      longest_ngram_(file.longest_ngram),
      bucket_(static_cast<std::uint32_t>(file.bucket)),
      pruned_(file.pruned),
      kept_buckets_(std::move(file.kept_buckets)) {
  words_.reserve(file.words.size() + file.labels.size());
  for (const auto* entries : {&file.words, &file.labels})
    for (const std::string_view entry : *entries) {
      words_.push_back({characters_.size(), static_cast<std::uint32_t>(entry.size())});
      characters_ += entry;
    }
  table_.resize(std::bit_ceil(words_.size() * 2 + 2));
  for (std::size_t id = 0; id < words_.size(); ++id) {
    const std::string_view entry = word(static_cast<std::int32_t>(id));
    const std::uint32_t hash = fasttext_hash(entry);
    table_[slot_of(entry, hash)] = {hash, static_cast<std::int32_t>(id)};
  }
  if (longest_ngram_ <= 0) return;
  word_rows_begin_.push_back(0);
  for (std::int32_t id = 0; id < word_count_; ++id) {
    word_rows_.push_back(id);
    if (word(id) != kEndOfLine) add_character_ngrams(word(id), word_rows_);
    word_rows_begin_.push_back(word_rows_.size());
  }
}

std::size_t FastTextFeatures::slot_of(std::string_view token, std::uint32_t hash) const {
  const std::size_t mask = table_.size() - 1;
  // FNV's low bits are its best; the multiplication spreads the many words that differ in the last byte alone.
  std::size_t at = (static_cast<std::uint64_t>(hash) * 0x9E3779B97F4A7C15ull >> 32) & mask;
  while (table_[at].id >= 0 && (table_[at].hash != hash || word(table_[at].id) != token)) at = (at + 1) & mask;
  return at;
}

void FastTextFeatures::add_bucket(std::uint32_t bucket, std::vector<std::int32_t>& rows) const {
  auto row = static_cast<std::int32_t>(bucket);
  if (pruned_) {
    const auto kept = kept_buckets_.find(row);
    if (kept == kept_buckets_.end()) return;
    row = kept->second;
  }
  rows.push_back(word_count_ + row);
}

// N-grams of characters of "<token>", shorter ones first from each start; the marks alone are none.
void FastTextFeatures::add_character_ngrams(std::string_view token, std::vector<std::int32_t>& rows) const {
  const std::size_t size = token.size() + 2;
  const auto byte = [&](std::size_t at) { return at == 0 ? '<' : at == size - 1 ? '>' : token[at - 1]; };
  for (std::size_t begin = 0; begin < size; ++begin) {
    if (is_continuation(byte(begin))) continue;
    std::uint32_t hash = kFnvOffset;
    std::size_t end = begin;
    for (std::int32_t length = 1; length <= longest_ngram_ && end < size; ++length) {
      hash = hash_byte(hash, byte(end++));
      while (end < size && is_continuation(byte(end))) hash = hash_byte(hash, byte(end++));
      const bool is_mark = length == 1 && (begin == 0 || end == size);
      if (length >= shortest_ngram_ && !is_mark) add_bucket(hash % bucket_, rows);
    }
  }
}

// False: the line ends here.
bool FastTextFeatures::add_token(std::string_view token, std::vector<std::int32_t>& rows, std::vector<std::uint32_t>& hashes) const {
  const std::uint32_t hash = fasttext_hash(token);
  const std::int32_t id = table_[slot_of(token, hash)].id;
  const bool is_end = token == kEndOfLine;
  if (id >= word_count_ || (id < 0 && token.starts_with(kLabelPrefix))) return !is_end;  // a label
  hashes.push_back(hash);
  if (id < 0) {
    if (!is_end && longest_ngram_ > 0) add_character_ngrams(token, rows);
  } else if (longest_ngram_ <= 0) {
    rows.push_back(id);
  } else {
    const auto begin = word_rows_.begin();
    const auto at = static_cast<std::size_t>(id);
    rows.insert(rows.end(), begin + static_cast<std::ptrdiff_t>(word_rows_begin_[at]), begin + static_cast<std::ptrdiff_t>(word_rows_begin_[at + 1]));
  }
  return !is_end;
}

void FastTextFeatures::add_word_ngrams(const std::vector<std::uint32_t>& hashes, std::vector<std::int32_t>& rows) const {
  // fastText keeps these hashes as int32 and widens them with their sign.
  const auto widened = [](std::uint32_t hash) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(hash))); };
  const auto longest = static_cast<std::size_t>(std::max(word_ngrams_, 1));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::uint64_t hash = widened(hashes[i]);
    for (std::size_t j = i + 1; j < hashes.size() && j < i + longest; ++j) {
      hash = hash * 116049371 + widened(hashes[j]);
      add_bucket(static_cast<std::uint32_t>(hash % bucket_), rows);
    }
  }
}

void FastTextFeatures::rows(std::string_view text, std::vector<std::int32_t>& rows, std::vector<std::uint32_t>& hashes) const {
  rows.clear();
  hashes.clear();
  bool goes_on = true;
  for (std::size_t begin = 0; goes_on;) {
    while (begin < text.size() && is_separator(text[begin])) ++begin;
    if (begin == text.size()) {
      add_token(kEndOfLine, rows, hashes);
      break;
    }
    std::size_t end = begin + 1;
    while (end < text.size() && !is_separator(text[end])) ++end;
    goes_on = add_token(text.substr(begin, end - begin), rows, hashes);
    begin = end;
  }
  if (word_ngrams_ > 1) add_word_ngrams(hashes, rows);
}

}  // namespace phidias::data::pipeline
