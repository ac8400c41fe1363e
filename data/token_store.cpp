#include "data/token_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/batch.h"

namespace phidias::data {
namespace {

static_assert(std::endian::native == std::endian::little, "token stores are little endian");

constexpr char kMagic[8] = {'P', 'H', 'I', 'D', 'T', 'O', 'K', '1'};

struct Header {
  char magic[8] = {};
  std::uint64_t meta_bytes = 0, entries = 0, ids = 0, labels = 0, file_bytes = 0;
  Hash128 check;  // of the fields above
};
static_assert(sizeof(Header) == 64);

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

std::uint64_t expected_bytes(const Header& header) {
  return sizeof(Header) + padded(header.meta_bytes) + header.entries * sizeof(DocumentEntry) + padded(header.ids * 4) + padded(header.ids) +
         padded(header.labels * 4) + sizeof(Hash128);
}

Hash128 check_of(const Header& header) { return hash_bytes(&header, sizeof(Header) - sizeof(Hash128)); }

std::string meta_to_json(const StoreMeta& meta) {
  const PrepareCounters& c = meta.counters;
  return Json{{"source", meta.source},
              {"kind", meta.kind},
              {"key", meta.key},
              {"first_skipped", meta.first_skipped},
              {"records", c.records},
              {"skipped", c.skipped},
              {"split", c.split},
              {"truncated", c.truncated},
              {"dropped_long", c.dropped_long},
              {"dropped_no_target", c.dropped_no_target},
              {"forged_specials", c.forged_specials},
              {"system_left_out", c.system_left_out}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

StoreMeta meta_from_json(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where);
  const auto count = [&](const char* key) { return json.value(key, std::int64_t{0}); };
  return {.source = json.value("source", ""),
          .kind = json.value("kind", ""),
          .key = json.value("key", ""),
          .first_skipped = json.value("first_skipped", ""),
          .counters = {count("records"), count("skipped"), count("split"), count("truncated"), count("dropped_long"), count("dropped_no_target"),
                       count("forged_specials"), count("system_left_out")}};
}

// Entries of a block whose tokens begin at `base` of the whole store.
std::vector<DocumentEntry> shifted(std::span<const DocumentEntry> entries, std::uint64_t base) {
  std::vector<DocumentEntry> result(entries.begin(), entries.end());
  for (DocumentEntry& entry : result) entry.begin += base;
  return result;
}

bool any_labels(std::span<const TokenBlockView> blocks) {
  for (const TokenBlockView& block : blocks) {
    if (!block.labels.empty()) return true;
  }
  return false;
}

// Writes to the file and into the hash of its contents.
class HashingWriter {
 public:
  explicit HashingWriter(const std::filesystem::path& path) : file_(path) {}
  void header(const Header& header) { file_.write(&header, sizeof(header)); }
  template <typename T>
  void array(std::span<const T> values) {
    bytes(values.data(), values.size_bytes());
  }
  void bytes(const void* data, std::size_t size) {
    file_.write(data, size);
    hasher_.update(data, size);
    written_ += size;
  }
  void pad() {
    const char zeros[8] = {};
    bytes(zeros, padded(written_) - written_);
  }
  void finish() {
    const Hash128 digest = hasher_.digest();
    file_.write(&digest, sizeof(digest));
    file_.commit();
  }

 private:
  AtomicFile file_;
  Hasher hasher_;
  std::uint64_t written_ = 0;
};

}  // namespace

void Document::write_targets(std::int32_t* targets) const {
  const std::span<const std::int32_t> values = labels.empty() ? ids : labels;
  const std::size_t last = ids.size() - 1;
  for (std::size_t t = 0; t < last; ++t) targets[t] = trained[t + 1] != 0 ? values[t + 1] : kIgnoredTarget;
  targets[last] = kIgnoredTarget;
}

Document Document::piece_of(std::int64_t begin, std::int64_t tokens) const {
  const auto from = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(tokens);
  Document part{ids.subspan(from, count), trained.subspan(from, count), {}, line, piece};
  if (!labels.empty()) part.labels = labels.subspan(from, count);
  return part;
}

struct TokenStore::Owner {
  std::optional<MappedFile> file;
  std::vector<DocumentEntry> entries;
  std::vector<std::int32_t> ids, labels;
  std::vector<std::uint8_t> trained;
};

TokenStore::TokenStore(std::unique_ptr<Owner> owner, TokenBlockView arrays, StoreMeta meta)
    : owner_(std::move(owner)), arrays_(arrays), meta_(std::move(meta)) {
  for (const DocumentEntry& entry : arrays_.entries) target_tokens_ += entry.targets;
}

TokenStore::~TokenStore() = default;

std::shared_ptr<const TokenStore> TokenStore::in_memory(std::span<const TokenBlockView> blocks, StoreMeta meta) {
  auto owner = std::make_unique<Owner>();
  const bool labels = any_labels(blocks);
  for (const TokenBlockView& block : blocks) {
    const std::vector<DocumentEntry> entries = shifted(block.entries, owner->ids.size());
    owner->entries.insert(owner->entries.end(), entries.begin(), entries.end());
    owner->ids.insert(owner->ids.end(), block.ids.begin(), block.ids.end());
    owner->trained.insert(owner->trained.end(), block.trained.begin(), block.trained.end());
    const auto values = block.labels.empty() ? block.ids : block.labels;
    if (labels) owner->labels.insert(owner->labels.end(), values.begin(), values.end());
  }
  const TokenBlockView arrays{owner->entries, owner->ids, owner->trained, owner->labels};
  return std::shared_ptr<const TokenStore>(new TokenStore(std::move(owner), arrays, std::move(meta)));
}

void TokenStore::write(const std::filesystem::path& path, std::span<const TokenBlockView> blocks, const StoreMeta& meta) {
  const std::string text = meta_to_json(meta);
  const bool labels = any_labels(blocks);
  Header header;
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.meta_bytes = text.size();
  for (const TokenBlockView& block : blocks) {
    header.entries += block.entries.size();
    header.ids += block.ids.size();
  }
  header.labels = labels ? header.ids : 0;
  header.file_bytes = expected_bytes(header);
  header.check = check_of(header);

  HashingWriter out(path);
  out.header(header);
  out.bytes(text.data(), text.size());
  out.pad();
  std::uint64_t base = 0;
  for (const TokenBlockView& block : blocks) {
    out.array<DocumentEntry>(shifted(block.entries, base));
    base += block.ids.size();
  }
  for (const TokenBlockView& block : blocks) out.array(block.ids);
  out.pad();
  for (const TokenBlockView& block : blocks) out.array(block.trained);
  out.pad();
  if (labels) {
    for (const TokenBlockView& block : blocks) out.array(block.labels.empty() ? block.ids : block.labels);
    out.pad();
  }
  out.finish();
}

std::shared_ptr<const TokenStore> TokenStore::open(const std::filesystem::path& path) {
  auto owner = std::make_unique<Owner>();
  owner->file.emplace(path);
  const std::string_view bytes = owner->file->text();
  Header header;
  if (bytes.size() < sizeof(Header) || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0)
    throw DataError(path.string() + ": not a token store of this program");
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (check_of(header) != header.check || header.file_bytes != bytes.size() || expected_bytes(header) != bytes.size()) {
    throw DataError(path.string() + ": damaged token store (header or size); delete it, it is made again");
  }
  Hash128 stored;
  std::memcpy(&stored, bytes.data() + bytes.size() - sizeof(Hash128), sizeof(Hash128));
  if (hash_bytes(bytes.data() + sizeof(Header), bytes.size() - sizeof(Header) - sizeof(Hash128)) != stored) {
    throw DataError(path.string() + ": damaged token store (contents do not match their hash); delete it, it is made again");
  }
  const char* at = bytes.data() + sizeof(Header);
  StoreMeta meta = meta_from_json({at, header.meta_bytes}, path.string());
  at += padded(header.meta_bytes);
  TokenBlockView arrays;
  arrays.entries = {reinterpret_cast<const DocumentEntry*>(at), header.entries};
  at += header.entries * sizeof(DocumentEntry);
  arrays.ids = {reinterpret_cast<const std::int32_t*>(at), header.ids};
  at += padded(header.ids * 4);
  arrays.trained = {reinterpret_cast<const std::uint8_t*>(at), header.ids};
  at += padded(header.ids);
  arrays.labels = {reinterpret_cast<const std::int32_t*>(at), header.labels};
  std::shared_ptr<TokenStore> store(new TokenStore(std::move(owner), arrays, std::move(meta)));
  store->content_hash_ = stored;
  return store;
}

std::int64_t TokenStore::targets(std::int64_t index, std::int64_t begin, std::int64_t tokens) const {
  const DocumentEntry& entry = arrays_.entries[static_cast<std::size_t>(index)];
  const auto trained = arrays_.trained.subspan(entry.begin + static_cast<std::size_t>(begin) + 1, static_cast<std::size_t>(tokens) - 1);
  return std::count_if(trained.begin(), trained.end(), [](std::uint8_t flag) { return flag != 0; });
}

Document TokenStore::document(std::int64_t index) const {
  const DocumentEntry& entry = arrays_.entries[static_cast<std::size_t>(index)];
  Document document{arrays_.ids.subspan(entry.begin, entry.length), arrays_.trained.subspan(entry.begin, entry.length), {}, entry.line, entry.piece};
  if (!arrays_.labels.empty()) document.labels = arrays_.labels.subspan(entry.begin, entry.length);
  return document;
}

std::string TokenStore::describe(std::int64_t index) const {
  const DocumentEntry& entry = arrays_.entries[static_cast<std::size_t>(index)];
  return meta_.source + ":" + std::to_string(entry.line) + (entry.piece > 0 ? ", piece " + std::to_string(entry.piece + 1) : "");
}

}  // namespace phidias::data
