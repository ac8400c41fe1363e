// All n-grams of evaluation items, found in a document in one pass over its words, whatever their lengths.
//
// A key is a polynomial of the words' XXH3 hashes modulo 2^64, so that with one list of prefixes the key of any run of words costs a multiplication. A key
// only proposes: words are compared before anything counts as found, so two texts of one key cannot be taken for each other. 24 bytes per different
// n-gram and 4 per occurrence, beside the items' normalised text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/pipeline/decontaminate/normal_words.h"

namespace phidias::data::pipeline {

// Hash prefixes of a text's words.
class WordKeys {
 public:
  void assign(const NormalWords& words);
  std::uint64_t key(std::size_t first, std::size_t count) const { return prefix_[first + count] - prefix_[first] * power(count); }
  std::size_t size() const { return prefix_.size() - 1; }

 private:
  std::uint64_t power(std::size_t count) const { return powers_[count]; }
  std::vector<std::uint64_t> prefix_{0}, powers_{1};
};

class NgramIndex {
 public:
  // Words first to first + count - 1 of item `item` (numbers from 0, added in order).
  void add(std::uint32_t item, std::size_t first, std::size_t count);
  // The items' words, which the index keeps; n-grams are added afterwards.
  std::uint32_t add_item(NormalWords words);
  void finish();  // after the last add

  std::size_t grams() const { return groups_.size(); }
  const std::vector<std::uint32_t>& lengths() const { return lengths_; }  // in words, rising
  // Number of the n-gram that these words are, or -1. Numbers are a function of the items and their order alone.
  std::int64_t find(const NormalWords& words, const WordKeys& keys, std::size_t first, std::size_t count) const;
  // Items that hold it, rising, each once.
  std::span<const std::uint32_t> items(std::int64_t gram) const;
  // First word of the n-gram in one of its items.
  std::size_t position(std::int64_t gram, std::uint32_t item) const;
  const NormalWords& item_words(std::uint32_t item) const { return items_[item]; }
  std::int64_t bytes() const;

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t item, first, count;
  };
  struct Group {
    std::uint64_t key;
    std::uint32_t item, first, count, items_begin;
  };
  std::string_view text_of(const Entry& entry) const { return items_[entry.item].span(entry.first, entry.count); }

  std::vector<NormalWords> items_;
  std::vector<WordKeys> keys_;  // until finish()
  std::vector<Entry> entries_;  // until finish()
  std::vector<Group> groups_;   // by key, then by text
  std::vector<std::uint32_t> items_of_groups_, lengths_;
  std::vector<std::uint32_t> table_;  // open addressing: first group of a key + 1
  std::vector<std::uint64_t> bits_;   // of keys that there are: most words end here
  std::uint64_t bit_mask_ = 0, table_mask_ = 0;
};

}  // namespace phidias::data::pipeline
