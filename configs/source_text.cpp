#include "configs/source_text.h"

#include <cstdint>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias::configs {

namespace {

// Length of the UTF-8 character at `i`, or 0 when there is none (overlong forms, surrogates and NUL included).
std::size_t character_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
  const auto is_continuation = [&](std::size_t k) { return (byte(k) & 0xc0U) == 0x80U; };
  const std::uint32_t first = byte(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return is_continuation(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    if (!is_continuation(1) || !is_continuation(2)) return 0;
    const std::uint32_t point = (first & 0xfU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU);
    return point >= 0x800 && (point < 0xd800 || point > 0xdfff) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    if (!is_continuation(1) || !is_continuation(2) || !is_continuation(3)) return 0;
    const std::uint32_t point = (first & 7U) << 18 | (byte(1) & 0x3fU) << 12 | (byte(2) & 0x3fU) << 6 | (byte(3) & 0x3fU);
    return point >= 0x10000 && point <= 0x10ffff ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string read_source_text(const std::string& path) {
  constexpr std::uintmax_t kLongest = 4U << 20;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw ConfigError(path + ": is a directory, expected a YAML file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw ConfigError(path + ": cannot be read: " + error.message());
  if (size > kLongest) throw ConfigError(path + ": is longer than 4 MiB, so it is no configuration file");
  try {
    return read_file(path);
  } catch (const Error& unreadable) {
    throw ConfigError(unreadable.what());
  }
}

void check_source_text(const std::string& text, const std::string& source) {
  std::size_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text, i);
    if (length == 0) throw ConfigError(source + ":" + std::to_string(line) + ": is not UTF-8 text");
    line += text[i] == '\n';
    i += length;
  }
}

}  // namespace phidias::configs
