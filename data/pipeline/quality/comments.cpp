#include "data/pipeline/quality/comments.h"

#include <algorithm>
#include <array>
#include <utility>

namespace phidias::data::pipeline {
namespace {

using Ending = std::pair<std::string_view, std::string_view>;
constexpr std::array<Ending, 45> kEndings = {
    {{"c", "c"},         {"h", "c"},           {"cc", "cpp"},         {"cpp", "cpp"},        {"cxx", "cpp"},       {"hpp", "cpp"},        {"cu", "cpp"},
     {"java", "java"},   {"js", "javascript"}, {"mjs", "javascript"}, {"jsx", "javascript"}, {"ts", "typescript"}, {"tsx", "typescript"}, {"go", "go"},
     {"rs", "rust"},     {"swift", "swift"},   {"kt", "kotlin"},      {"scala", "scala"},    {"cs", "c#"},         {"php", "php"},        {"css", "css"},
     {"py", "python"},   {"pyi", "python"},    {"rb", "ruby"},        {"sh", "shell"},       {"bash", "shell"},    {"pl", "perl"},        {"pm", "perl"},
     {"r", "r"},         {"jl", "julia"},      {"yaml", "yaml"},      {"yml", "yaml"},       {"toml", "toml"},     {"mk", "makefile"},    {"sql", "sql"},
     {"lua", "lua"},     {"hs", "haskell"},    {"html", "html"},      {"htm", "html"},       {"xml", "xml"},       {"svg", "xml"},        {"json", "json"},
     {"md", "markdown"}, {"txt", "text"},      {"rst", "text"}}};

// Marks of a language's comments; empty: it has none of the kind.
struct Marks {
  std::string_view line, open, close;
  bool doc_strings = false;
};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); }

Marks marks_of(std::string_view language) {
  if (is_one_of(language, {"c", "cpp", "java", "javascript", "typescript", "go", "rust", "swift", "kotlin", "scala", "c#", "php"})) return {"//", "/*", "*/"};
  if (language == "css") return {"", "/*", "*/"};
  if (language == "python") return {"#", "", "", true};
  if (is_one_of(language, {"ruby", "shell", "perl", "r", "julia", "yaml", "toml", "makefile"})) return {"#", "", ""};
  if (language == "sql") return {"--", "/*", "*/"};
  if (language == "lua") return {"--", "--[[", "]]"};
  if (language == "haskell") return {"--", "{-", "-}"};
  if (is_one_of(language, {"html", "xml", "markdown"})) return {"", "<!--", "-->"};
  return {};
}

// Past `mark` at or behind `from`, or the end.
std::size_t behind(std::string_view code, std::string_view mark, std::size_t from) {
  const std::size_t at = from > code.size() ? std::string_view::npos : code.find(mark, from);
  return at == std::string_view::npos ? code.size() : at + mark.size();
}

// Past the string that begins at `at`: its closing quote, or the end of the line.
std::size_t behind_string(std::string_view code, std::size_t at) {
  const char quote = code[at];
  for (++at; at < code.size() && code[at] != quote && code[at] != '\n'; ++at)
    if (code[at] == '\\') ++at;
  return std::min(at + 1, code.size());
}

bool begins_line(std::string_view code, std::size_t at) {
  while (at > 0 && (code[at - 1] == ' ' || code[at - 1] == '\t')) --at;
  return at == 0 || code[at - 1] == '\n';
}

}  // namespace

std::string_view language_of_ending(std::string_view ending) {
  if (ending.starts_with('.')) ending.remove_prefix(1);
  const auto* found = std::find_if(kEndings.begin(), kEndings.end(), [&](const Ending& known) { return known.first == ending; });
  return found == kEndings.end() ? ending : found->second;
}

std::ptrdiff_t comment_bytes(std::string_view code, std::string_view language) {
  const Marks marks = marks_of(language);
  if (marks.line.empty() && marks.open.empty()) return -1;
  const bool has_strings = !marks.line.empty() || marks.open == "/*";
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < code.size();) {
    const std::string_view rest = code.substr(at);
    std::size_t end = at;
    if (!marks.open.empty() && rest.starts_with(marks.open))
      end = behind(code, marks.close, at + marks.open.size());
    else if (!marks.line.empty() && rest.starts_with(marks.line))
      end = std::min(code.find('\n', at), code.size());
    else if (marks.doc_strings && (rest.starts_with("\"\"\"") || rest.starts_with("'''"))) {
      const std::size_t closed = behind(code, rest.substr(0, 3), at + 3);
      if (begins_line(code, at)) bytes += closed - at;
      at = closed;
      continue;
    }
    bytes += end - at;
    if (end > at)
      at = end;
    else
      at = has_strings && (code[at] == '"' || code[at] == '\'') ? behind_string(code, at) : at + 1;
  }
  return static_cast<std::ptrdiff_t>(bytes);
}

}  // namespace phidias::data::pipeline
