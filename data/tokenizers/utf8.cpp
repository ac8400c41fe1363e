#include "data/tokenizers/utf8.h"

#include <algorithm>
#include <map>

namespace phidias::data {

void append_utf8(std::string& text, std::uint32_t code_point) {
  const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) return put(0xC0 | code_point >> 6), put(0x80 | (code_point & 0x3F));
  if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
  }
  put(0x80 | (code_point >> 6 & 0x3F));
  put(0x80 | (code_point & 0x3F));
}

namespace {

// Length of the valid character at `text`, or minus the length of the maximal invalid prefix (Unicode 3.9, as Rust and the WHATWG do).
int valid_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  const int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (int i = 1; i < length; ++i, low = 0x80, high = 0xBF) {
    if (static_cast<std::size_t>(i) >= text.size() || byte(i) < low || byte(i) > high) return -i;
  }
  return length;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const int length = valid_length(text.substr(position, 4));
    if (length < 0) return position;
    position += length;
  }
  return std::string_view::npos;
}

std::string to_utf8_lossy(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t position = 0; position < bytes.size();) {
    const int length = valid_length(bytes.substr(position, 4));
    if (length > 0) {
      text.append(bytes, position, length);
    } else {
      text.append("\xEF\xBF\xBD");
    }
    position += std::abs(length);
  }
  return text;
}

const CharacterClasses& CharacterClasses::get() {
  static const CharacterClasses classes;
  return classes;
}

CharacterClasses::CharacterClasses() {
  struct Run {
    std::uint32_t first;
    std::uint8_t bits;
  };
  static constexpr Run kRuns[] = {
#include "data/tokenizers/unicode_classes.inc"
  };
  std::map<std::array<std::uint8_t, 256>, std::uint16_t> known;
  std::array<std::uint8_t, 256> block;
  const Run* next = std::begin(kRuns);
  std::uint8_t bits = other;
  for (std::uint32_t first = 0; first < 0x110000; first += 256) {
    for (std::uint32_t i = 0; i < 256; ++i) {
      if (next != std::end(kRuns) && next->first == first + i) {
        bits = (next++)->bits;
        if (!(bits & (letter | number | space))) bits |= other;
      }
      block[i] = bits;
    }
    const auto [entry, is_new] = known.emplace(block, static_cast<std::uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), block.begin(), block.end());
    block_of_[first >> 8] = entry->second;
  }
}

const ByteAlphabet& ByteAlphabet::get() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

ByteAlphabet::ByteAlphabet() {
  byte_of_.fill(-1);
  std::uint32_t stand_in = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    code_point[byte] = printable ? byte : stand_in++;
    byte_of_[code_point[byte]] = static_cast<std::int16_t>(byte);
  }
}

bool ByteAlphabet::to_bytes(std::string_view token, std::string& bytes) const {
  bytes.clear();
  for (std::size_t i = 0; i < token.size(); i += utf8_length(token[i])) {
    const std::uint32_t code = decode_utf8(token.data() + i);
    if (code >= byte_of_.size() || byte_of_[code] < 0) return false;
    bytes.push_back(static_cast<char>(byte_of_[code]));
  }
  return true;
}

std::string ByteAlphabet::from_bytes(std::string_view bytes) const {
  std::string token;
  for (const char byte : bytes) append_utf8(token, code_point[static_cast<unsigned char>(byte)]);
  return token;
}

}  // namespace phidias::data
