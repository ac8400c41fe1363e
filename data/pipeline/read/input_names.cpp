#include "data/pipeline/read/input_names.h"

#include <algorithm>
#include <array>

namespace phidias::data::pipeline {
namespace {

constexpr std::array<std::string_view, 20> kEndings = {".gz",    ".zst", ".jsonl", ".json", ".ndjson", ".parquet", ".warc", ".wet",      ".html", ".htm",
                                                       ".xhtml", ".txt", ".text",  ".md",   ".rst",    ".tex",     ".log",  ".markdown", ".adoc", ".org"};

// The folder above all that the path of a source can name; the path itself when it has no wildcards.
std::filesystem::path fixed_part(const std::filesystem::path& path) {
  std::filesystem::path fixed;
  for (const auto& component : path) {
    if (is_pattern(component.native())) break;
    fixed /= component;
  }
  return fixed;
}

}  // namespace

bool is_pattern(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

bool matches_pattern(std::string_view name, std::string_view pattern) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  std::size_t n = 0, p = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {  // let the last asterisk take one byte more
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> known_endings(const std::filesystem::path& path) {
  std::vector<std::string> endings;
  for (std::filesystem::path name = path.filename(); name.has_extension(); name = name.stem()) {
    std::string ending = name.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (std::find(kEndings.begin(), kEndings.end(), ending) == kEndings.end()) break;
    endings.push_back(std::move(ending));
  }
  return endings;
}

std::string default_source_name(const std::string& path) {
  const std::filesystem::path fixed = fixed_part(std::filesystem::path(path).lexically_normal());
  std::filesystem::path name = fixed.has_filename() ? fixed.filename() : fixed.parent_path().filename();
  if (name.empty() || name == "." || name == "..") return "input";
  for (std::size_t i = known_endings(name).size(); i > 0; --i) name = name.stem();
  return name.string();
}

std::string input_name(const InputFile& file, const std::filesystem::path& path) {
  const std::filesystem::path below = path.lexically_relative(fixed_part(file.source.path));
  return below.empty() || below == "." || *below.begin() == ".." ? path.filename().string() : below.string();
}

}  // namespace phidias::data::pipeline
