// Stage code_quality: drops source files that are generated, data or markup rather than code.
//
// Rules of BigCode's data preparation (The Stack, StarCoder) and NeMo Curator, as presets: longest and mean line, share of letters and digits, share of
// comments (preset's languages), an XML head in the first 100 characters of a file that is not XML by name, visible text of HTML, size of JSON and YAML.
// A file's language: the text annotation or the input's member named by `language_field` (small letters), else the ending of its `path_field` member, URL
// or id. Lines are the parts between newlines, lengths are characters. Statistics that the language has no use for are not annotated.
// The tokens-per-character rules of both tools need a tokenizer and are not here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class CodePreset { bigcode, curator };

class CodeQuality final : public Stage {
 public:
  struct Config {
    CodePreset preset = CodePreset::bigcode;
    std::string language_field = "language", path_field = "path";
    std::optional<std::int64_t> max_line, min_lines, max_lines;
    std::optional<double> max_mean_line, min_alphanumeric, min_comments, max_comments;
    std::vector<std::string> comment_languages;
    bool xml_head = true;
    double min_visible_text = 0.2;
    std::int64_t min_visible_characters = 100, min_data_characters = 50, max_data_characters = 5000;
  };
  CodeQuality(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(CodeQuality::Config& c, Visitor& v) {
  v.field(c.preset, {.key = "preset", .doc = "whose limits hold where none is given"});
  v.field(c.language_field, {.key = "language_field", .doc = "annotation or member of the input that names the programming language"});
  v.field(c.path_field, {.key = "path_field", .doc = "member of the input whose ending tells it otherwise"});
  v.field(c.max_line, {.key = "max_line", .doc = "characters of the longest line, at most", .minimum = 1, .default_text = "bigcode 1000, curator none"});
  v.field(c.max_mean_line,
          {.key = "max_mean_line", .doc = "characters of a line on average, at most", .minimum = 0, .default_text = "bigcode 100, curator none"});
  v.field(c.min_lines, {.key = "min_lines", .doc = "lines, at least", .minimum = 0, .default_text = "bigcode none, curator 10"});
  v.field(c.max_lines, {.key = "max_lines", .doc = "lines, at most", .minimum = 1, .default_text = "bigcode none, curator 20000"});
  v.field(c.min_alphanumeric, {.key = "min_alphanumeric", .doc = "share of letters and digits, at least", .minimum = 0, .maximum = 1, .default_text = "0.25"});
  v.field(c.min_comments, {.key = "min_comments", .doc = "share of comments, at least", .minimum = 0, .maximum = 1, .default_text = "0.01"});
  v.field(c.max_comments,
          {.key = "max_comments", .doc = "share of comments, at most", .minimum = 0, .maximum = 1, .default_text = "bigcode 0.8, curator 0.85"});
  v.field(c.comment_languages, {.key = "comment_languages",
                                .doc = "languages to which the rules about comments apply",
                                .default_text = "bigcode python, java, javascript; curator all whose comments are known"});
  v.field(c.xml_head, {.key = "xml_head", .doc = "drop files that begin as XML, but for those named so"});
  v.field(c.min_visible_text, {.key = "min_visible_text", .doc = "HTML: share of visible text, at least", .minimum = 0, .maximum = 1});
  v.field(c.min_visible_characters, {.key = "min_visible_characters", .doc = "HTML: characters of visible text, at least", .minimum = 0});
  v.field(c.min_data_characters, {.key = "min_data_characters", .doc = "JSON and YAML: characters, at least", .minimum = 0});
  v.field(c.max_data_characters, {.key = "max_data_characters", .doc = "JSON and YAML: characters, at most", .minimum = 1});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::CodePreset>{"bigcode", "curator"};
}
