#include "data/pipeline/quality/code_quality.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "data/pipeline/characters.h"
#include "data/pipeline/quality/comments.h"
#include "data/pipeline/quality/lines.h"
#include "data/pipeline/quality/lower_case.h"
#include "data/pipeline/quality/visible_text.h"

namespace phidias::data::pipeline {
namespace {

std::string_view ending_of(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  const std::size_t slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  const std::size_t dot = path.find_last_of('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
}

struct Shape {
  std::size_t characters = 0, lines = 0, longest = 0, alphanumeric = 0;
};

Shape shape_of(std::string_view text) {
  Shape shape;
  const Characters& characters = Characters::get();
  for_each_newline_part(text, [&](std::string_view line) {
    if (line.data() == text.data() + text.size() && shape.lines > 0) return;  // nothing behind the last newline
    std::size_t length = 0;
    for (std::size_t at = 0; at < line.size(); at += static_cast<std::size_t>(utf8_length(line[at])), ++length) {
      const std::uint32_t c = decode_utf8(line.data() + at);
      shape.alphanumeric += c != '_' && characters.is(c, Characters::word);
    }
    ++shape.lines;
    shape.characters += length;
    shape.longest = std::max(shape.longest, length);
  });
  return shape;
}

bool starts_as_xml(std::string_view text) { return text.substr(0, 100).find("<?xml version=") != std::string_view::npos; }

class Worker final : public DocumentWorker {
 public:
  Worker(const CodeQuality& stage, const CodeQuality::Config& config) : config_(config), prefix_(stage.name() + ".") {}

  void process(Document& document) override {
    const std::string& text = document.text();
    const std::string language = language_of(document);
    const Shape shape = shape_of(text);
    const auto characters = static_cast<double>(std::max<std::size_t>(count_characters(text), 1));
    annotate(document, "lines", static_cast<double>(shape.lines));
    annotate(document, "longest_line", static_cast<double>(shape.longest));
    at_most(document, static_cast<double>(shape.longest), config_.max_line, "max_line");
    const double mean = static_cast<double>(shape.characters) / static_cast<double>(std::max<std::size_t>(shape.lines, 1));
    annotate(document, "mean_line", mean);
    at_most(document, mean, config_.max_mean_line, "max_mean_line");
    at_least(document, static_cast<double>(shape.lines), config_.min_lines, "min_lines");
    at_most(document, static_cast<double>(shape.lines), config_.max_lines, "max_lines");
    const double alphanumeric = static_cast<double>(shape.alphanumeric) / characters;
    annotate(document, "alphanumeric", alphanumeric);
    at_least(document, alphanumeric, config_.min_alphanumeric, "min_alphanumeric");
    judge_comments(document, language);
    if (config_.xml_head && language != "xml" && language != "html" && starts_as_xml(text)) document.drop("xml_head");
    if (language == "html") {
      const auto visible = static_cast<double>(visible_characters(text));
      annotate(document, "visible_text", visible / characters);
      if (visible / characters < config_.min_visible_text) document.drop("min_visible_text");
      if (visible < static_cast<double>(config_.min_visible_characters)) document.drop("min_visible_characters");
    }
    if (language == "json" || language == "yaml") {
      if (characters < static_cast<double>(config_.min_data_characters)) document.drop("min_data_characters");
      if (characters > static_cast<double>(config_.max_data_characters)) document.drop("max_data_characters");
    }
  }

 private:
  void annotate(Document& document, std::string_view what, double value) { document.annotations().set(prefix_ + std::string(what), value); }
  template <class Limit>
  static void at_most(Document& document, double value, const std::optional<Limit>& limit, std::string_view rule) {
    if (limit && value > static_cast<double>(*limit)) document.drop(rule);
  }
  template <class Limit>
  static void at_least(Document& document, double value, const std::optional<Limit>& limit, std::string_view rule) {
    if (limit && value < static_cast<double>(*limit)) document.drop(rule);
  }

  void judge_comments(Document& document, std::string_view language) {
    const std::ptrdiff_t bytes = comment_bytes(document.text(), language);
    if (bytes < 0) return;
    const double share = static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(document.text().size(), 1));
    annotate(document, "comments", share);
    const auto& languages = config_.comment_languages;
    if (!languages.empty() && std::find(languages.begin(), languages.end(), language) == languages.end()) return;
    at_least(document, share, config_.min_comments, "min_comments");
    at_most(document, share, config_.max_comments, "max_comments");
  }

  std::string language_of(const Document& document) const {
    if (const auto named = document.annotations().text(config_.language_field)) return lower_case(*named);
    const Json fields = document.fields.empty() ? Json() : Json::parse("{" + document.fields + "}", nullptr, false);
    const auto member = [&](const std::string& name) -> std::string {
      return fields.is_object() && fields.contains(name) && fields[name].is_string() ? fields[name].get<std::string>() : std::string();
    };
    if (const std::string named = member(config_.language_field); !named.empty()) return lower_case(named);
    for (const std::string& path : {member(config_.path_field), document.url, document.id})
      if (const std::string_view ending = ending_of(path); !ending.empty()) return std::string(language_of_ending(lower_case(ending)));
    return {};
  }

  CodeQuality::Config config_;
  std::string prefix_;
};

}  // namespace

CodeQuality::CodeQuality(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {
  const auto fill = [](auto& limit, auto value) {
    if (!limit) limit = value;
  };
  fill(config_.min_alphanumeric, 0.25);
  fill(config_.min_comments, 0.01);
  if (config.preset == CodePreset::bigcode) {
    fill(config_.max_line, 1000);
    fill(config_.max_mean_line, 100.0);
    fill(config_.max_comments, 0.8);
    if (config_.comment_languages.empty()) config_.comment_languages = {"python", "java", "javascript"};
  } else {
    fill(config_.min_lines, 10);
    fill(config_.max_lines, 20000);
    fill(config_.max_comments, 0.85);
  }
}

std::unique_ptr<StageWorker> CodeQuality::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
