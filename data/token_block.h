// Tokenised documents under construction: what one thread makes of one block of lines, and what ranks exchange.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data {

// What happened to records on their way in. Added up over blocks and ranks, kept with the store.
struct PrepareCounters {
  std::int64_t records = 0;            // lines that became a record
  std::int64_t skipped = 0;            // bad lines passed over (data.on_error: skip)
  std::int64_t split = 0;              // records cut into several documents
  std::int64_t truncated = 0;          // records cut on the right
  std::int64_t dropped_long = 0;       // records left out because they are longer than max_length
  std::int64_t dropped_no_target = 0;  // documents left out because nothing in them is trained
  std::int64_t forged_specials = 0;    // special tokens found inside contents
  std::int64_t system_left_out = 0;    // system messages that the chat template does not write
  PrepareCounters& operator+=(const PrepareCounters& other);
  bool operator==(const PrepareCounters&) const = default;
};

// One document of a store. 32 bytes, as in the file.
struct DocumentEntry {
  std::uint64_t begin = 0;    // first token
  std::uint64_t line = 0;     // line of the source file, from 1
  std::uint32_t length = 0;   // tokens
  std::uint32_t targets = 0;  // trained tokens (the first token of a document is never one)
  std::uint32_t piece = 0;    // 0, or the number of the piece of a split record, from 0
  std::uint32_t reserved = 0;
};
static_assert(sizeof(DocumentEntry) == 32);

// Arrays of one block, wherever they lie. `labels` is empty unless a record's labels differ from its ids.
struct TokenBlockView {
  std::span<const DocumentEntry> entries;
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> trained;  // per token: 1 when the token is a target of the one before it
  std::span<const std::int32_t> labels;
};

class TokenBlock {
 public:
  // Appends a document. `labels` empty: the ids themselves. Documents without a target are counted and left out.
  void add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> trained, std::span<const std::int32_t> labels, std::int64_t line,
           std::uint32_t piece);
  TokenBlockView view() const { return {entries_, ids_, trained_, labels_}; }

  PrepareCounters counters;

  // Bytes that deserialise to an equal block; the view into them needs 8-byte alignment.
  std::string serialise(std::int64_t block_index) const;

 private:
  std::vector<DocumentEntry> entries_;
  std::vector<std::int32_t> ids_, labels_;
  std::vector<std::uint8_t> trained_;
};

struct SerialisedBlock {
  std::int64_t index = 0;
  PrepareCounters counters;
  TokenBlockView view;
};

// Reads the blocks that stand back to back in `bytes` (views into it).
std::vector<SerialisedBlock> read_serialised_blocks(std::string_view bytes);

}  // namespace phidias::data
