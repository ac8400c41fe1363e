// The tokenised documents of one source, random access by number: in memory, or a memory-mapped file.
//
// File (little endian, sections 8-byte aligned): header {magic "PHIDTOK1", counts, section offsets, hash of header and meta}, meta (JSON: where the documents
// come from, counters, cache key), document entries, ids int32, trained uint8, labels int32 (only when some label differs from its id), and the XXH3-128 of
// everything after the header. Written atomically; opening verifies both hashes.
//
//   std::shared_ptr<const TokenStore> store = TokenStore::open("cache/3f..a1.tokens");
//   Document document = store->document(17);
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/hash.h"
#include "data/token_block.h"

namespace phidias::data {

struct StoreMeta {
  std::string source;         // path as the user wrote it
  std::string kind;           // of its records; "mixed" when there are several
  std::string key;            // hex: file, tokenizer, template and options
  std::string first_skipped;  // message of the first bad line passed over
  PrepareCounters counters;
};

struct Document {
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> trained;
  std::span<const std::int32_t> labels;
  std::uint64_t line = 0;
  std::uint32_t piece = 0;
  // targets[t] is the token after ids[t], -100 where it is not trained; the last one always is.
  void write_targets(std::int32_t* targets) const;
  // Its tokens [begin, begin + tokens): a document of its own, whose first token is no target.
  Document piece_of(std::int64_t begin, std::int64_t tokens) const;
};

class TokenStore {
 public:
  // Blocks in the order of the source; copied.
  static std::shared_ptr<const TokenStore> in_memory(std::span<const TokenBlockView> blocks, StoreMeta meta);
  // Throws DataError: not a token store, another version, damaged.
  static std::shared_ptr<const TokenStore> open(const std::filesystem::path& path);
  static void write(const std::filesystem::path& path, std::span<const TokenBlockView> blocks, const StoreMeta& meta);
  ~TokenStore();

  std::int64_t documents() const { return static_cast<std::int64_t>(arrays_.entries.size()); }
  std::int64_t tokens() const { return static_cast<std::int64_t>(arrays_.ids.size()); }
  std::int64_t target_tokens() const { return target_tokens_; }
  std::int64_t length(std::int64_t index) const { return arrays_.entries[static_cast<std::size_t>(index)].length; }
  std::int64_t targets(std::int64_t index) const { return arrays_.entries[static_cast<std::size_t>(index)].targets; }
  // Of the piece [begin, begin + tokens) taken alone.
  std::int64_t targets(std::int64_t index, std::int64_t begin, std::int64_t tokens) const;
  Document document(std::int64_t index) const;
  const StoreMeta& meta() const { return meta_; }
  // Hash of everything behind the header, as it stands in the file; zero in memory.
  Hash128 content_hash() const { return content_hash_; }
  // "train.jsonl:17", with ", piece 2" for a later piece of a split record.
  std::string describe(std::int64_t index) const;

 private:
  struct Owner;
  TokenStore(std::unique_ptr<Owner> owner, TokenBlockView arrays, StoreMeta meta);
  std::unique_ptr<Owner> owner_;
  TokenBlockView arrays_;
  StoreMeta meta_;
  Hash128 content_hash_;
  std::int64_t target_tokens_ = 0;
};

}  // namespace phidias::data
