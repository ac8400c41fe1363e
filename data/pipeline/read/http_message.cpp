#include "data/pipeline/read/http_message.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "base/error.h"
#include "data/byte_source.h"
#include "data/pipeline/read/ascii.h"

namespace phidias::data::pipeline {
namespace {

// Nothing when the text is not chunked. A missing last chunk is forgiven: crawlers cut long pages.
std::optional<std::string> join_chunks(std::string_view text) {
  std::string body;
  bool any = false;
  for (;;) {
    std::size_t size = 0;
    const auto read = std::from_chars(text.data(), text.data() + std::min<std::size_t>(text.size(), 16), size, 16);
    const std::size_t line_end = text.find('\n');
    if (read.ec != std::errc() || line_end == std::string_view::npos) return any ? std::optional(body) : std::nullopt;
    const std::string_view extension =
        ascii_trim(text.substr(static_cast<std::size_t>(read.ptr - text.data()), line_end - static_cast<std::size_t>(read.ptr - text.data())));
    if (!extension.empty() && extension.front() != ';') return any ? std::optional(body) : std::nullopt;
    any = true;
    if (size == 0) return body;
    text.remove_prefix(line_end + 1);
    body += text.substr(0, size);
    text.remove_prefix(std::min(size, text.size()));
    if (text.starts_with('\r')) text.remove_prefix(1);
    if (text.starts_with('\n')) text.remove_prefix(1);
  }
}

[[noreturn]] void too_large(std::size_t max_bytes) { throw DataError("the body has more than " + std::to_string(max_bytes) + " bytes"); }

std::string decompress(ByteSource& source, std::size_t max_bytes) {
  std::string body;
  while (source.read(body, std::size_t{1} << 18))
    if (body.size() > max_bytes) too_large(max_bytes);
  return body;
}

// With zlib's header as the standard has it, or without as some servers send it. Nothing when it is neither.
std::optional<std::string> inflate_body(std::string_view bytes, int window_bits, std::size_t max_bytes) {
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  if (inflateInit2(&stream, window_bits) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ended(&stream, &inflateEnd);
  std::string body;
  for (int result = Z_OK; result != Z_STREAM_END;) {
    const std::size_t before = body.size();
    body.resize(before + (std::size_t{1} << 18));
    stream.next_out = reinterpret_cast<Bytef*>(body.data() + before);
    stream.avail_out = static_cast<uInt>(body.size() - before);
    result = inflate(&stream, Z_NO_FLUSH);
    body.resize(body.size() - stream.avail_out);
    if (body.size() > max_bytes) too_large(max_bytes);
    if (result != Z_STREAM_END && (result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0))) return std::nullopt;
  }
  return body;
}

std::string decode_content(std::string_view encoding, std::string body, std::size_t max_bytes) {
  if (encoding.empty() || ascii_equal(encoding, "identity") || ascii_equal(encoding, "none")) return body;
  if (ascii_equal(encoding, "gzip") || ascii_equal(encoding, "x-gzip") || ascii_equal(encoding, "zstd")) {
    const std::unique_ptr<ByteSource> source = open_compressed(body, "the body");
    return source ? decompress(*source, max_bytes) : body;
  }
  if (ascii_equal(encoding, "deflate")) {
    auto inflated = inflate_body(body, 15, max_bytes);
    if (!inflated) inflated = inflate_body(body, -15, max_bytes);
    return inflated ? std::move(*inflated) : std::move(body);
  }
  throw DataError("the body's Content-Encoding '" + std::string(encoding.substr(0, 40)) + "' is not one that this program undoes (gzip, deflate, zstd)");
}

}  // namespace

std::size_t header_size(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1).starts_with('\n')) return at + 2;
    if (text.substr(at + 1).starts_with("\r\n")) return at + 3;
  }
  return 0;
}

HeaderFields::HeaderFields(std::string_view block) {
  bool first = true;
  while (!block.empty()) {
    std::size_t end = block.find('\n');
    if (!first)  // a line that begins with white space continues the one before
      while (end != std::string_view::npos && end + 1 < block.size() && (block[end + 1] == ' ' || block[end + 1] == '\t')) end = block.find('\n', end + 1);
    const std::string_view line = ascii_trim(block.substr(0, end));
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 1);
    const std::size_t colon = line.find(':');
    if (first)
      first_line_ = line;
    else if (colon != std::string_view::npos)
      fields_.emplace_back(ascii_trim(line.substr(0, colon)), ascii_trim(line.substr(colon + 1)));
    first = false;
  }
}

std::string_view HeaderFields::get(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return ascii_equal(field.first, name); });
  return found == fields_.end() ? std::string_view() : found->second;
}

std::string decode_body(const HeaderFields& headers, std::string_view body, std::size_t max_bytes) {
  std::string joined(body);
  if (ascii_find(headers.get("Transfer-Encoding"), "chunked") != std::string_view::npos)
    if (auto chunks = join_chunks(body)) joined = std::move(*chunks);
  if (joined.size() > max_bytes) too_large(max_bytes);
  return decode_content(headers.get("Content-Encoding"), std::move(joined), max_bytes);
}

}  // namespace phidias::data::pipeline
