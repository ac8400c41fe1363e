#include "data/pipeline/unit_file.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kMagic = "PHIDUNI1";

std::string value_bytes(std::uint64_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::string hash_bytes_of(const Hash128& hash) { return value_bytes(hash.high) + value_bytes(hash.low); }

bool take_value(std::string_view& rest, std::uint64_t& value) {
  if (rest.size() < sizeof value) return false;
  std::memcpy(&value, rest.data(), sizeof value);
  rest.remove_prefix(sizeof value);
  return true;
}

}  // namespace

void UnitFileWriter::commit(const std::filesystem::path& path) const {
  std::string table = value_bytes(sections_.size());
  for (const auto& [name, content] : sections_) table += value_bytes(name.size()) + name + value_bytes(content.size());
  Hasher hasher;
  hasher.update(table);
  for (const auto& [name, content] : sections_) hasher.update(content);
  AtomicFile file(path, Durability::until_power_loss);  // a unit that is not whole is known by its hash, and done again
  file.write(kMagic);
  file.write(hash_bytes_of(hasher.digest()));
  file.write(table);
  for (const auto& [name, content] : sections_) file.write(content);
  file.commit();
}

std::optional<UnitFile> UnitFile::open(const std::filesystem::path& path) {
  std::error_code missing;
  if (!std::filesystem::is_regular_file(path, missing)) return std::nullopt;
  UnitFile unit{MappedFile(path)};
  std::string_view rest = unit.file_.text();
  if (!rest.starts_with(kMagic) || rest.size() < kMagic.size() + 16) return std::nullopt;
  const std::string_view hash = rest.substr(kMagic.size(), 16);
  rest.remove_prefix(kMagic.size() + 16);
  if (hash_bytes_of(hash_string(rest)) != hash) return std::nullopt;
  std::uint64_t count = 0;
  if (!take_value(rest, count)) return std::nullopt;
  std::vector<std::pair<std::string, std::uint64_t>> table;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t length = 0, size = 0;
    if (!take_value(rest, length) || length > rest.size()) return std::nullopt;
    std::string name(rest.substr(0, length));
    rest.remove_prefix(length);
    if (!take_value(rest, size)) return std::nullopt;
    table.emplace_back(std::move(name), size);
  }
  for (auto& [name, size] : table) {
    if (size > rest.size()) return std::nullopt;
    unit.sections_[name] = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return unit;
}

UnitFile UnitFile::require(const std::filesystem::path& path) {
  std::optional<UnitFile> unit = open(path);
  if (!unit) throw DataError(path.string() + ": missing or damaged; start the pipeline with work.resume=false to make it anew");
  return std::move(*unit);
}

std::string_view UnitFile::section(std::string_view name) const {
  const auto found = sections_.find(name);
  return found == sections_.end() ? std::string_view() : found->second;
}

std::string compress(std::string_view content, int level) {
  std::string out(ZSTD_compressBound(content.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), content.data(), content.size(), level);
  if (ZSTD_isError(size)) throw DataError(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

std::string decompress(std::string_view frames) {
  std::string out;
  while (!frames.empty()) {
    const std::size_t frame = ZSTD_findFrameCompressedSize(frames.data(), frames.size());
    if (ZSTD_isError(frame)) throw DataError("a zstd frame is damaged");
    const unsigned long long size = ZSTD_getFrameContentSize(frames.data(), frame);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) throw DataError("a zstd frame does not tell its size");
    const std::size_t before = out.size();
    out.resize(before + size);
    if (ZSTD_isError(ZSTD_decompress(out.data() + before, size, frames.data(), frame))) throw DataError("a zstd frame is damaged");
    frames.remove_prefix(frame);
  }
  return out;
}

}  // namespace phidias::data::pipeline
