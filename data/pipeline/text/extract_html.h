// Stage `extract_html`: a page becomes the text of its main content.
//
// Annotations: title, html_lang (bare, where the page has them); <name>.html (false: the document is no page and is left alone), <name>.share (characters
// kept), <name>.fallback (true where the rules left nothing and were not believed). Reasons: too_large, too_complex, empty.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "configs/field.h"
#include "data/pipeline/stage.h"
#include "data/pipeline/text/html_text.h"

namespace phidias::data::pipeline {

enum class PageDetection { automatic, always };

class ExtractHtml final : public Stage {
 public:
  struct Config {
    PageDetection input = PageDetection::automatic;
    bool main_content = true;
    HeadingStyle headings = HeadingStyle::plain;
    TableStyle tables = TableStyle::pipes;
    CodeStyle code = CodeStyle::fenced;
    bool keep_links = false, keep_image_text = false;
    std::int64_t max_bytes = 8 << 20;
  };
  ExtractHtml(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(ExtractHtml::Config& c, Visitor& v) {
  v.field(c.input, {.key = "input", .doc = "`auto`: only documents that start as an HTML page does; `html`: all"});
  v.field(c.main_content, {.key = "main_content", .doc = "drop navigation, footers, asides, notices, share bars, comments; `false`: only what is hidden"});
  v.field(c.headings, {.key = "headings", .doc = "`markdown`: with `#` by level"});
  v.field(c.tables, {.key = "tables", .doc = "what stands between the cells of a row"});
  v.field(c.code, {.key = "code", .doc = "`fenced`: code blocks between ``` with their language, code in a line between backticks"});
  v.field(c.keep_links, {.key = "keep_links", .doc = "links as `[text](address)`"});
  v.field(c.keep_image_text, {.key = "keep_image_text", .doc = "alternative texts of pictures"});
  v.field(c.max_bytes, {.key = "max_bytes", .doc = "larger pages are dropped; a thread takes up to 64 times as much memory", .minimum = 1, .maximum = 1 << 30});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::PageDetection>{"auto", "html"};
}
