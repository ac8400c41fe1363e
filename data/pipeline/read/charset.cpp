#include "data/pipeline/read/charset.h"

#include <simdjson.h>
#include <uchardet/uchardet.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "data/pipeline/read/ascii.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kMetaBytes = 1024, kDetectBytes = 128 << 10, kBinaryBytes = 8 << 10;

struct Mark {
  std::string_view bytes, charset;
};
constexpr Mark kMarks[] = {
    {"\xef\xbb\xbf", "utf-8"}, {{"\xff\xfe\0\0", 4}, "utf-32le"}, {{"\0\0\xfe\xff", 4}, "utf-32be"}, {"\xff\xfe", "utf-16le"}, {"\xfe\xff", "utf-16be"}};

// What a label stands for on the web (encoding.spec.whatwg.org), where that is more than ICU takes it for.
std::string resolve_label(std::string_view label) {
  static const std::map<std::string, std::string, std::less<>> kWeb = {{"iso-8859-1", "windows-1252"},
                                                                       {"iso8859-1", "windows-1252"},
                                                                       {"iso_8859-1", "windows-1252"},
                                                                       {"latin1", "windows-1252"},
                                                                       {"latin-1", "windows-1252"},
                                                                       {"us-ascii", "windows-1252"},
                                                                       {"ascii", "windows-1252"},
                                                                       {"iso-8859-9", "windows-1254"},
                                                                       {"latin5", "windows-1254"},
                                                                       {"iso-8859-11", "windows-874"},
                                                                       {"tis-620", "windows-874"},
                                                                       {"gb2312", "gb18030"},
                                                                       {"gbk", "gb18030"},
                                                                       {"x-gbk", "gb18030"},
                                                                       {"ks_c_5601-1987", "windows-949"},
                                                                       {"euc-kr", "windows-949"},
                                                                       {"uhc", "windows-949"},
                                                                       {"utf8", "utf-8"},
                                                                       {"unicode-1-1-utf-8", "utf-8"},
                                                                       {"utf-16", "utf-16le"},
                                                                       {"x-sjis", "shift_jis"},
                                                                       {"sjis", "shift_jis"},
                                                                       {"unicode", "utf-16le"}};
  std::string lower = ascii_lower(ascii_trim(label));
  const auto known = kWeb.find(lower);
  return known == kWeb.end() ? lower : known->second;
}

bool hides_in_ascii(std::string_view charset) { return charset.starts_with("utf-16") || charset.starts_with("iso-2022") || charset.starts_with("hz"); }

// Nothing when ICU does not know the charset.
std::optional<std::string> convert(std::string_view bytes, const std::string& charset) {
  if (charset == "utf-8") return to_utf8_lossy(bytes);
  if (charset.empty() || charset.starts_with("utf-7") || charset.size() > 40) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, void (*)(UConverter*)> converter(ucnv_open(charset.c_str(), &status), &ucnv_close);
  if (U_FAILURE(status)) return std::nullopt;
  std::string text(bytes.size() + bytes.size() / 2 + 16, '\0');
  for (;;) {
    status = U_ZERO_ERROR;
    ucnv_reset(converter.get());
    const std::int32_t needed = ucnv_toAlgorithmic(UCNV_UTF8, converter.get(), text.data(), static_cast<std::int32_t>(text.size()), bytes.data(),
                                                   static_cast<std::int32_t>(bytes.size()), &status);
    if (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR) return std::nullopt;
    const bool fits = status != U_BUFFER_OVERFLOW_ERROR;
    text.resize(static_cast<std::size_t>(needed));
    if (fits) return to_utf8_lossy(text).size() == text.size() ? text : to_utf8_lossy(text);
  }
}

// Whether more characters of two and more bytes are whole than broken.
bool mostly_utf8(std::string_view bytes) {
  std::size_t whole = 0, broken = 0;
  while (!bytes.empty()) {
    const std::size_t end = std::min(find_invalid_utf8(bytes), bytes.size());
    whole += static_cast<std::size_t>(
        std::count_if(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0xC0; }));
    bytes.remove_prefix(end);
    broken += bytes.empty() ? 0 : 1;
    do bytes.remove_prefix(bytes.empty() ? 0 : 1);
    while (!bytes.empty() && is_continuation(bytes.front()));
  }
  return whole > broken;
}

std::string detect(std::string_view bytes) {
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == 0x1b; });
  const auto skipped = static_cast<std::size_t>(first - bytes.begin());
  bytes = bytes.substr(skipped > 1024 ? skipped - 1024 : 0, kDetectBytes);
  const std::unique_ptr<uchardet, void (*)(uchardet_t)> detector(uchardet_new(), &uchardet_delete);
  if (uchardet_handle_data(detector.get(), bytes.data(), bytes.size()) != 0) return {};
  uchardet_data_end(detector.get());
  return resolve_label(uchardet_get_charset(detector.get()));
}

std::string_view attribute_value(std::string_view text) {
  text = ascii_trim(text);
  if (text.empty() || text.front() != '=') return {};
  text = ascii_trim(text.substr(1));
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) return text.substr(1, text.find(text.front(), 1) - 1);
  return text.substr(0, text.find_first_of(" \t\r\n\f;\"'/>"));
}

}  // namespace

std::string_view charset_parameter(std::string_view content_type) {
  const std::size_t at = ascii_find(content_type, "charset");
  return at == std::string_view::npos ? std::string_view() : ascii_trim(attribute_value(content_type.substr(at + 7)));
}

std::string_view meta_charset(std::string_view html) {
  const std::string_view head = html.substr(0, kMetaBytes);
  for (std::size_t at = ascii_find(head, "<meta"); at != std::string_view::npos; at = ascii_find(head, "<meta", at + 1)) {
    const std::string_view tag = head.substr(at, head.substr(at).find('>'));
    if (const std::string_view charset = charset_parameter(tag); !charset.empty()) return charset;
  }
  return {};
}

bool looks_binary(std::string_view bytes) {
  for (const Mark& mark : kMarks)
    if (bytes.starts_with(mark.bytes)) return false;
  bytes = bytes.substr(0, kBinaryBytes);
  std::size_t controls = 0;
  for (const char c : bytes) {
    if (c == '\0') return true;
    controls += static_cast<unsigned char>(c) < 0x20 && (c < '\b' || c > '\r') && c != 0x1b ? 1 : 0;
  }
  return controls * 20 > bytes.size();
}

DecodedText decode_text(std::string_view bytes, const CharsetHints& hints) {
  const std::string outside = resolve_label(hints.declared);
  const std::string inside = hints.html ? resolve_label(meta_charset(bytes)) : std::string();
  for (const Mark& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    if (mark.charset == "utf-8") {
      bytes.remove_prefix(mark.bytes.size());
      break;
    }
    if (auto text = convert(bytes.substr(mark.bytes.size()), std::string(mark.charset))) return {std::move(*text), std::string(mark.charset)};
  }
  // A page that could be read far enough to find its <meta> is not in UTF-16, whatever it says.
  const bool hidden = hides_in_ascii(outside) || inside.starts_with("iso-2022") || inside.starts_with("hz");
  if (!hidden && simdjson::validate_utf8(bytes.data(), bytes.size())) return {std::string(bytes), {}};
  for (const std::string& charset :
       {outside, hides_in_ascii(inside) && inside.starts_with("utf-16") ? std::string() : inside, detect(bytes), std::string("windows-1252")}) {
    if (charset == "utf-8" && !mostly_utf8(bytes)) continue;
    if (auto text = convert(bytes, charset)) return {std::move(*text), charset};
  }
  return {to_utf8_lossy(bytes), "utf-8"};
}

}  // namespace phidias::data::pipeline
