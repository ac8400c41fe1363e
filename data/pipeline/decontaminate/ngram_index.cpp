#include "data/pipeline/decontaminate/ngram_index.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "base/hash.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::uint64_t kBase = 0x9E3779B97F4A7C15;  // odd: a power never loses all of its bits
constexpr std::size_t kBitsPerGram = 16;

// Spreads a key over the table: the low bits of a polynomial are those of its words' hashes.
std::uint64_t mixed(std::uint64_t key) { return (key ^ key >> 32) * 0xD6E8FEB86659FD93; }

}  // namespace

void WordKeys::assign(const NormalWords& words) {
  const std::size_t count = words.size();
  prefix_.resize(count + 1);
  prefix_[0] = 0;
  for (std::size_t i = 0; i < count; ++i) prefix_[i + 1] = prefix_[i] * kBase + hash_string(words.span(i, 1)).low;
  while (powers_.size() <= count) powers_.push_back(powers_.back() * kBase);
}

std::uint32_t NgramIndex::add_item(NormalWords words) {
  keys_.emplace_back().assign(words);
  words.origin = {};
  items_.push_back(std::move(words));
  return static_cast<std::uint32_t>(items_.size() - 1);
}

void NgramIndex::add(std::uint32_t item, std::size_t first, std::size_t count) {
  entries_.push_back({keys_[item].key(first, count), item, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)});
}

void NgramIndex::finish() {
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    if (a.key != b.key) return a.key < b.key;
    if (const int order = text_of(a).compare(text_of(b)); order != 0) return order < 0;
    return std::tie(a.item, a.first) < std::tie(b.item, b.first);
  });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    const bool same = i > 0 && entries_[i - 1].key == entry.key && text_of(entries_[i - 1]) == text_of(entry);
    if (!same) groups_.push_back({entry.key, entry.item, entry.first, entry.count, static_cast<std::uint32_t>(items_of_groups_.size())});
    if (!same || items_of_groups_.back() != entry.item) items_of_groups_.push_back(entry.item);
    lengths_.push_back(entry.count);
  }
  std::sort(lengths_.begin(), lengths_.end());
  lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  entries_ = {};
  keys_ = {};
  const std::size_t slots = std::bit_ceil(2 * groups_.size() + 1);
  table_.assign(slots, 0);
  table_mask_ = slots - 1;
  bits_.assign(std::bit_ceil(kBitsPerGram * groups_.size() + 64) / 64, 0);
  bit_mask_ = bits_.size() * 64 - 1;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (i > 0 && groups_[i - 1].key == groups_[i].key) continue;  // reached from the first of its key
    const std::uint64_t spread = mixed(groups_[i].key);
    bits_[(spread & bit_mask_) / 64] |= std::uint64_t{1} << (spread & 63);
    std::uint64_t slot = (spread >> 20) & table_mask_;
    while (table_[slot] != 0) slot = (slot + 1) & table_mask_;
    table_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

std::int64_t NgramIndex::find(const NormalWords& words, const WordKeys& keys, std::size_t first, std::size_t count) const {
  if (groups_.empty()) return -1;
  const std::uint64_t key = keys.key(first, count), spread = mixed(key);
  if ((bits_[(spread & bit_mask_) / 64] >> (spread & 63) & 1) == 0) return -1;
  for (std::uint64_t slot = (spread >> 20) & table_mask_; table_[slot] != 0; slot = (slot + 1) & table_mask_) {
    std::size_t group = table_[slot] - 1;
    if (groups_[group].key != key) continue;
    const std::string_view text = words.span(first, count);
    for (; group < groups_.size() && groups_[group].key == key; ++group) {
      const Group& found = groups_[group];
      if (found.count == count && items_[found.item].span(found.first, found.count) == text) return static_cast<std::int64_t>(group);
    }
    return -1;
  }
  return -1;
}

std::span<const std::uint32_t> NgramIndex::items(std::int64_t gram) const {
  const auto at = static_cast<std::size_t>(gram);
  const std::size_t begin = groups_[at].items_begin, end = at + 1 < groups_.size() ? groups_[at + 1].items_begin : items_of_groups_.size();
  return {items_of_groups_.data() + begin, end - begin};
}

std::size_t NgramIndex::position(std::int64_t gram, std::uint32_t item) const {
  const Group& group = groups_[static_cast<std::size_t>(gram)];
  if (group.item == item) return group.first;
  const std::string_view text = items_[group.item].span(group.first, group.count);
  const NormalWords& words = items_[item];
  for (std::size_t i = 0; i + group.count <= words.size(); ++i)
    if (words.span(i, group.count) == text) return i;
  return 0;
}

std::int64_t NgramIndex::bytes() const {
  std::size_t total = groups_.size() * sizeof(Group) + (items_of_groups_.size() + table_.size()) * 4 + bits_.size() * 8;
  for (const NormalWords& words : items_) total += words.text.size() + words.starts.size() * 4 + sizeof(NormalWords);
  return static_cast<std::int64_t>(total);
}

}  // namespace phidias::data::pipeline
