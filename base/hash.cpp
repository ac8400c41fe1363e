#include "base/hash.h"

#include <xxhash.h>

#include <new>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias {
namespace {

constexpr int kHexDigits = 16;  // of one 64-bit half

void append_hex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(value >> shift) & 15]);
}

std::uint64_t parse_half(std::string_view digits, std::string_view whole) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const bool decimal = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'f', upper = c >= 'A' && c <= 'F';
    if (!decimal && !lower && !upper) throw DataError("not a hash of 32 hex digits: '" + std::string(whole) + "'");
    value = value << 4 | static_cast<std::uint64_t>(decimal ? c - '0' : lower ? c - 'a' + 10 : c - 'A' + 10);
  }
  return value;
}

}  // namespace

std::string Hash128::hex() const {
  std::string text;
  text.reserve(2 * kHexDigits);
  append_hex(text, high);
  append_hex(text, low);
  return text;
}

Hash128 Hash128::from_hex(std::string_view text) {
  if (text.size() != 2 * kHexDigits) throw DataError("not a hash of 32 hex digits: '" + std::string(text) + "'");
  return {parse_half(text.substr(0, kHexDigits), text), parse_half(text.substr(kHexDigits), text)};
}

Hash128 hash_bytes(const void* bytes, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return {hash.high64, hash.low64};
}

Hash128 hash_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return hash_bytes(file.data(), file.size());
}

struct Hasher::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(const void* bytes, std::size_t size) {
  if (size > 0) XXH3_128bits_update(state_->xxh, bytes, size);
  return *this;
}

Hash128 Hasher::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return {hash.high64, hash.low64};
}

}  // namespace phidias
