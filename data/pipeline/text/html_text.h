// Writes the text of a parsed page's kept elements.
//
// Blocks stand on lines of their own, paragraphs, headings, lists, tables and code between blank lines; white space runs become one space. Kept structure:
//   pre            as it stands, between fences with the language of its class (language-x, lang-x, brush: x, highlight-source-x)
//   MathML, TeX    as $...$ or $$...$$: annotation encoding="application/x-tex", script type="math/tex", alttext, alt of formula pictures;
//                  MathML without any of these as the text of its parts
//   tables         one line per row, cells between pipes or tabs; tables that lay a page out (nested, with headings, long cells) are blocks
//   lists          "- " or "1. ", two spaces per level
//   sup            "10^6"; ordinals and footnote links are not powers
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "configs/enum_names.h"
#include "data/pipeline/text/html_boilerplate.h"
#include "data/pipeline/text/html_tree.h"

namespace phidias::data::pipeline {

enum class HeadingStyle { plain, markdown };
enum class TableStyle { pipes, tabs };
enum class CodeStyle { fenced, plain };

struct HtmlTextStyle {
  HeadingStyle headings = HeadingStyle::plain;
  TableStyle tables = TableStyle::pipes;
  CodeStyle code = CodeStyle::fenced;
  bool links = false;
  bool images = false;  // alternative texts
};

// Appends; no white space at the ends.
void write_html_text(std::span<const HtmlNode> nodes, const HtmlBoilerplate& boilerplate, const HtmlTextStyle& style, std::string& text);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::HeadingStyle>{"plain", "markdown"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::TableStyle>{"pipes", "tabs"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::CodeStyle>{"fenced", "plain"};
}  // namespace phidias::configs
