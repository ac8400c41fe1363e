#include "data/pipeline/text/mojibake.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "data/pipeline/text/windows1252.h"

namespace phidias::data::pipeline {
namespace {

// Bytes that would be UTF-8 had not A0 become a space: at most one space per sequence, in sequences that make common characters.
std::size_t altered_length(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0; };
  const auto continues = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const auto continues_for_sure = [&](std::size_t i) { return continues(i) && byte(i) != 0x85 && byte(i) != 0xA0; };
  const int lead = byte(0);
  if ((lead == 0xC2 || lead == 0xC3 || lead == 0xC5 || lead == 0xCE || lead == 0xD0 || lead == 0xD9) && byte(1) == ' ') return 2;
  if ((lead == 0xE2 || lead == 0xE3) && byte(1) == ' ' && continues_for_sure(2)) return 3;
  if (lead >= 0xE0 && lead <= 0xE3 && continues_for_sure(1) && byte(2) == ' ') return 3;
  if (lead != 0xF0) return 0;
  const int spaces = (byte(1) == ' ') + (byte(2) == ' ') + (byte(3) == ' ');
  for (std::size_t i = 1; i <= 3; ++i)
    if (byte(i) != ' ' && !continues(i)) return 0;
  return spaces == 1 ? 4 : 0;
}

std::string with_a0(std::string_view bytes) {
  // "Ã la" is "à la", two words, but for some Portuguese words that start with à.
  std::string words;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    words += bytes[at];
    if (bytes[at] != '\xC3' || at + 1 >= bytes.size() || bytes[at + 1] != ' ') continue;
    const std::string_view rest = bytes.substr(at + 2);
    if (rest.starts_with(' ') || rest.starts_with("quele") || rest.starts_with("quela") || rest.starts_with("quilo") || rest.starts_with("s ")) continue;
    words += '\xA0';
  }
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t length = altered_length(words, at);
    for (std::size_t i = 0; i < length; ++i)
      if (words[at + i] == ' ') words[at + i] = '\xA0';
    at += std::max<std::size_t>(length, 1);
  }
  return words;
}

// Length of a sequence that lost bytes to U+FFFD (or one to a question mark); 0: none.
std::size_t lossy_length(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0; };
  const auto is_there = [&](std::size_t i) { return byte(i) == kLost || (byte(i) >= 0x80 && byte(i) <= 0xBF); };
  const auto is_lost = [&](std::size_t i) { return byte(i) == kLost || byte(i) == '?'; };
  const int lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF && byte(1) == kLost) return 2;
  if ((lead == 0xC2 || lead == 0xC3) && byte(1) == '?') return 2;
  const std::size_t length = lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  for (std::size_t lost = 1; lost < length; ++lost) {
    bool fits = is_lost(lost);
    for (std::size_t i = 1; i < length; ++i) fits = fits && (i == lost || is_there(i));
    if (fits) return length;
  }
  return lead == kLost ? 1 : 0;
}

std::string with_lossy_replaced(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = lossy_length(bytes, at);
    if (length > 0)
      out += "\uFFFD";
    else
      out += bytes[at];
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::optional<std::string> decoded_whole(std::string_view text, int (*byte_of)(CodePoint), bool is_lossy) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const int byte = byte_of(next_at(text, at));
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  bytes = with_a0(bytes);
  if (is_lossy) bytes = with_lossy_replaced(bytes);
  if (find_invalid_utf8(bytes) != std::string_view::npos) return std::nullopt;
  return bytes;
}

// Byte that a character may have been in either encoding; -1: none.
int either_byte(CodePoint c) {
  const int byte = latin1_byte(c);
  return byte >= 0 ? byte : c == kReplacement ? -1 : windows1252_byte(c);
}

// A continuation byte that hardly stands for itself beside misread text: no space, dash, bullet, quotation mark or ellipsis.
bool continues_strictly(CodePoint c) {
  switch (c) {
    case 0x2013:
    case 0x2014:
    case 0x2022:
    case 0x2018:
    case 0x2019:
    case 0x201C:
    case 0x201D:
    case 0x201A:
    case 0x201E:
    case 0x2026:
    case 0x2039:
    case 0x203A:
      return false;
    default: {
      const int byte = either_byte(c);
      return byte >= 0x80 && byte <= 0xBF;
    }
  }
}

// End of a run of characters in the form of UTF-8 that starts at `at`; `at` where there is none.
std::size_t form_end(std::string_view text, std::size_t at) {
  for (;;) {
    std::size_t next = at;
    const int lead = either_byte(next_at(text, next));
    const int more = lead >= 0xC2 && lead <= 0xDF ? 1 : lead >= 0xE0 && lead <= 0xEF ? 2 : lead == 0xF0 || lead == 0xF3 ? 3 : 0;
    if (more == 0) return at;
    for (int i = 0; i < more; ++i) {
      if (next >= text.size()) return at;
      const CodePoint c = next_at(text, next);
      const int byte = either_byte(c);
      if (c != ' ' && (byte < 0x80 || byte > 0xBF)) return at;
    }
    at = next;
  }
}

std::string repaired(std::string_view text, int levels);

std::string with_runs_repaired(std::string_view text, int levels) {
  std::string out;
  CodePoint before = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = before != 0 && continues_strictly(before) ? at : form_end(text, at);
    if (end > at) {
      const std::string_view run = text.substr(at, end - at);
      out += run.size() < text.size() && is_suspicious(run) ? repaired(run, levels - 1) : std::string(run);
      before = decode_utf8_before(text.data() + end);
      at = end;
    } else {
      const std::size_t begin = at;
      before = next_at(text, at);
      out.append(text, begin, at - begin);
    }
  }
  return out;
}

std::string with_controls_replaced(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = next_at(text, at);
    append_utf8(out, c >= 0x80 && c < 0xA0 ? kWindows1252[c - 0x80] : c);
  }
  return out;
}

std::string repaired(std::string_view line, int levels) {
  std::string text(line);
  for (int round = 0; round < 8 && levels > 0; ++round) {
    if (!is_suspicious(text)) break;
    std::optional<std::string> whole = decoded_whole(text, latin1_byte, false);
    if (!whole) whole = decoded_whole(text, windows1252_byte, true);
    std::string next = whole ? *whole : with_runs_repaired(text, levels);
    if (next == text) next = with_controls_replaced(text);
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace

std::string repair_mojibake_line(std::string_view line) { return repaired(line, 4); }

int repair_mojibake(std::string& text) {
  if (!is_suspicious(text)) return 0;
  std::string out;
  int changed = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    if (is_suspicious(line)) {
      const std::string fixed = repair_mojibake_line(line);
      changed += static_cast<int>(fixed != line);
      out += fixed;
    } else {
      out += line;
    }
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  text = std::move(out);
  return changed;
}

}  // namespace phidias::data::pipeline
