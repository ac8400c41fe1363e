// Content hashes: XXH3-128 (xxHash), printed as 32 lower-case hex digits, high half first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace phidias {

struct Hash128 {
  std::uint64_t high = 0, low = 0;
  bool operator==(const Hash128&) const = default;
  auto operator<=>(const Hash128&) const = default;
  std::string hex() const;
  // Throws DataError when the text is not 32 hex digits.
  static Hash128 from_hex(std::string_view text);
};

Hash128 hash_bytes(const void* bytes, std::size_t size);
inline Hash128 hash_string(std::string_view text) { return hash_bytes(text.data(), text.size()); }
// Throws DataError when the file cannot be read.
Hash128 hash_file(const std::filesystem::path& path);

// Hashes a stream of pieces; equal to hash_bytes of their concatenation.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher& update(const void* bytes, std::size_t size);
  Hasher& update(std::string_view text) { return update(text.data(), text.size()); }
  Hash128 digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phidias
