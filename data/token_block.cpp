#include "data/token_block.h"

#include <cstring>

#include "base/error.h"
#include "data/batch.h"

namespace phidias::data {
namespace {

struct BlockHeader {
  std::int64_t index = 0, entries = 0, ids = 0, labels = 0;
  PrepareCounters counters;
};
static_assert(sizeof(BlockHeader) % 8 == 0);

std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

template <typename T>
void append(std::string& out, std::span<const T> values) {
  const std::size_t bytes = values.size() * sizeof(T);
  out.append(reinterpret_cast<const char*>(values.data()), bytes);
  out.append(padded(bytes) - bytes, '\0');
}

template <typename T>
std::span<const T> take(std::string_view& bytes, std::int64_t count) {
  const std::size_t size = padded(static_cast<std::size_t>(count) * sizeof(T));
  if (count < 0 || size > bytes.size()) throw DataError("a block of tokenised records is damaged");
  const std::span<const T> values(reinterpret_cast<const T*>(bytes.data()), static_cast<std::size_t>(count));
  bytes.remove_prefix(size);
  return values;
}

}  // namespace

PrepareCounters& PrepareCounters::operator+=(const PrepareCounters& other) {
  records += other.records;
  skipped += other.skipped;
  split += other.split;
  truncated += other.truncated;
  dropped_long += other.dropped_long;
  dropped_no_target += other.dropped_no_target;
  forged_specials += other.forged_specials;
  system_left_out += other.system_left_out;
  return *this;
}

void TokenBlock::add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> trained, std::span<const std::int32_t> labels, std::int64_t line,
                     std::uint32_t piece) {
  std::uint32_t targets = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) targets += trained[i];
  if (targets == 0) {
    ++counters.dropped_no_target;
    return;
  }
  if (!labels.empty() && labels_.empty()) labels_ = ids_;  // from here on the block carries labels
  if (!labels.empty())
    labels_.insert(labels_.end(), labels.begin(), labels.end());
  else if (!labels_.empty())
    labels_.insert(labels_.end(), ids.begin(), ids.end());
  entries_.push_back(
      {.begin = ids_.size(), .line = static_cast<std::uint64_t>(line), .length = static_cast<std::uint32_t>(ids.size()), .targets = targets, .piece = piece});
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  trained_.insert(trained_.end(), trained.begin(), trained.end());
  trained_[entries_.back().begin] = 0;
}

std::string TokenBlock::serialise(std::int64_t block_index) const {
  const BlockHeader header{block_index, static_cast<std::int64_t>(entries_.size()), static_cast<std::int64_t>(ids_.size()),
                           static_cast<std::int64_t>(labels_.size()), counters};
  std::string out;
  out.reserve(sizeof(header) + entries_.size() * sizeof(DocumentEntry) + ids_.size() * 5 + labels_.size() * 4 + 24);
  append(out, std::span<const BlockHeader>(&header, 1));
  append(out, std::span<const DocumentEntry>(entries_));
  append(out, std::span<const std::int32_t>(ids_));
  append(out, std::span<const std::uint8_t>(trained_));
  append(out, std::span<const std::int32_t>(labels_));
  return out;
}

std::vector<SerialisedBlock> read_serialised_blocks(std::string_view bytes) {
  std::vector<SerialisedBlock> blocks;
  while (!bytes.empty()) {
    const BlockHeader header = take<BlockHeader>(bytes, 1).front();
    SerialisedBlock block{.index = header.index, .counters = header.counters, .view = {}};
    block.view.entries = take<DocumentEntry>(bytes, header.entries);
    block.view.ids = take<std::int32_t>(bytes, header.ids);
    block.view.trained = take<std::uint8_t>(bytes, header.ids);
    block.view.labels = take<std::int32_t>(bytes, header.labels);
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace phidias::data
