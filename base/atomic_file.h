// Crash-only storage: a file appears whole under its name or not at all (temporary file, fsync, rename, fsync of the folder).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace phidias {

// Writes `content` to `path` atomically. Throws DataError with the reason ("No space left on device") and leaves what was there.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

// Whether a file outlives a loss of power, not only of the process. What is not durable may then be empty or cut: its readers must be able to tell.
enum class Durability { durable, until_power_loss };

// A file written in pieces; commit() makes it appear. Without commit() the temporary file is removed.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path, Durability durability = Durability::durable);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* bytes, std::size_t size);  // throws DataError
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();  // fsync, rename, fsync of the folder; throws DataError

 private:
  std::filesystem::path path_, temporary_;
  Durability durability_;
  int descriptor_ = -1;
};

// fsyncs a directory, so that renames inside it are durable.
void sync_directory(const std::filesystem::path& directory);

// The whole file as text. Throws DataError naming the path when it cannot be read.
std::string read_file(const std::filesystem::path& path);

// A read-only memory map, unmapped on destruction. Zero-length files map to an empty range.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);  // throws DataError
  ~MappedFile();
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace phidias
