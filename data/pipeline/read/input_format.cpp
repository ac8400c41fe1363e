#include "data/pipeline/read/input_format.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/byte_source.h"
#include "data/pipeline/read/input_names.h"

namespace phidias::data::pipeline {
namespace {

std::string first_bytes(const std::filesystem::path& path) {
  constexpr std::size_t kBytes = 4096;
  const MappedFile file(path);
  std::string bytes;
  const std::unique_ptr<ByteSource> source = open_compressed(file.text(), path.string());
  if (!source) return std::string(file.text().substr(0, kBytes));
  try {
    source->read(bytes, kBytes);
  } catch (const DataError&) {  // told again, with all that can be read before it, when the file is read
  }
  return bytes;
}

bool starts_like(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() && std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                                                        [](char l, char c) { return l == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c); });
}

}  // namespace

InputFormat input_format_of(const std::filesystem::path& path) {
  static const std::map<std::string, InputFormat> kFormats = {
      {".jsonl", InputFormat::jsonl},     {".json", InputFormat::jsonl}, {".ndjson", InputFormat::jsonl},
      {".parquet", InputFormat::parquet}, {".warc", InputFormat::warc},  {".wet", InputFormat::wet},
      {".html", InputFormat::html},       {".htm", InputFormat::html},   {".xhtml", InputFormat::html}};
  for (const std::string& ending : known_endings(path)) {
    if (ending == ".gz" || ending == ".zst") continue;
    const auto known = kFormats.find(ending);
    return known == kFormats.end() ? InputFormat::text : known->second;
  }
  const std::string bytes = first_bytes(path);
  std::string_view text = bytes;
  if (text.starts_with("PAR1")) return InputFormat::parquet;
  if (text.starts_with("WARC/")) return InputFormat::warc;
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return InputFormat::text;  // UTF-16
  if (text.find('\0') != std::string_view::npos)
    throw DataError(path.string() +
                    ": neither the file's ending nor its first bytes tell its format; give the source a `format`, or a pattern that leaves it out");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with('{')) return InputFormat::jsonl;
  if (starts_like(text, "<!doctype html") || starts_like(text, "<html")) return InputFormat::html;
  return InputFormat::text;
}

}  // namespace phidias::data::pipeline
