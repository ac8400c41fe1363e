#include "data/pipeline/text/html_math.h"

#include <algorithm>

namespace phidias::data::pipeline {
namespace {

bool is_named(const HtmlNode& node, std::string_view lower) {
  return !node.is_text && node.tag == GUMBO_TAG_UNKNOWN &&
         std::ranges::equal(node.content, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; });
}

std::string text_below(std::span<const HtmlNode> nodes, std::uint32_t number) {
  std::string text;
  for (std::uint32_t i = number + 1; i < nodes[number].end; ++i)
    if (nodes[i].is_text) text += nodes[i].content;
  return collapsed(text);
}

// "{\displaystyle x}" is how MediaWiki writes x.
std::string without_wrapping(std::string tex) {
  for (const std::string_view style : {"{\\displaystyle", "{\\textstyle"}) {
    if (!tex.starts_with(style) || !tex.ends_with('}')) continue;
    tex = tex.substr(style.size(), tex.size() - style.size() - 1);
  }
  // Delimiters that stand in the source already.
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"$$", "$$"}, {"$", "$"}, {"\\(", "\\)"}, {"\\[", "\\]"}}) {
    if (tex.size() >= open.size() + close.size() && tex.starts_with(open) && tex.ends_with(close)) {
      tex = tex.substr(open.size(), tex.size() - open.size() - close.size());
      break;
    }
  }
  return collapsed(tex);
}

std::string delimited(const std::string& tex, bool is_display) {
  if (tex.empty()) return {};
  return is_display ? "$$" + tex + "$$" : "$" + tex + "$";
}

bool has_class_part(const HtmlNode& node, std::string_view part) { return node.attribute("class").find(part) != std::string_view::npos; }

bool is_in_display(std::span<const HtmlNode> nodes, std::uint32_t number) {
  for (int up = 0; up < 4 && number != 0; ++up) {
    number = nodes[number].parent;
    if (has_class_part(nodes[number], "katex-display") || has_class_part(nodes[number], "mwe-math-element-block")) return true;
    if (is_named(nodes[number], "mjx-container") && nodes[number].attribute("display") == "true") return true;
  }
  return false;
}

std::string math_element(std::span<const HtmlNode> nodes, std::uint32_t number) {
  const HtmlNode& math = nodes[number];
  const bool is_display = math.attribute("display") == "block" || math.attribute("mode") == "display" || is_in_display(nodes, number);
  std::string tex;
  for (std::uint32_t i = number + 1; i < math.end && tex.empty(); ++i)
    if (is_named(nodes[i], "annotation") && nodes[i].attribute("encoding").find("tex") != std::string_view::npos) tex = text_below(nodes, i);
  if (tex.empty()) tex = math.attribute("alttext");
  if (!tex.empty()) return delimited(without_wrapping(collapsed(tex)), is_display);
  for (std::uint32_t i = number + 1; i < math.end;) {  // no source: the parts as they stand
    if (is_named(nodes[i], "annotation") || nodes[i].tag == GUMBO_TAG_ANNOTATION_XML) {
      i = nodes[i].end;
      continue;
    }
    if (nodes[i].is_text) tex += nodes[i].content;
    ++i;
  }
  return collapsed(tex);
}

}  // namespace

std::string html_formula(std::span<const HtmlNode> nodes, std::uint32_t number) {
  const HtmlNode& node = nodes[number];
  if (node.tag == GUMBO_TAG_MATH) return math_element(nodes, number);
  if (node.tag == GUMBO_TAG_SCRIPT) {
    return delimited(without_wrapping(text_below(nodes, number)), node.attribute("type").find("mode=display") != std::string_view::npos);
  }
  if (node.tag != GUMBO_TAG_IMG) return {};
  const std::string_view alt = node.attribute("alt");
  const bool is_formula =
      has_class_part(node, "mwe-math") || has_class_part(node, "latex") || node.attribute("class") == "tex" || has_class_part(node, "math-tex");
  // MediaWiki's picture stands beside the MathML of the same formula.
  if (!is_formula || alt.empty() || (has_class_part(node, "mwe-math") && nodes[node.parent].has_math)) return {};
  return delimited(without_wrapping(collapsed(alt)), has_class_part(node, "display"));
}

bool is_formula_rendering(std::span<const HtmlNode> nodes, std::uint32_t number) {
  const HtmlNode& node = nodes[number];
  if (is_named(node, "mjx-math")) return true;
  if (node.tag != GUMBO_TAG_SPAN && node.tag != GUMBO_TAG_DIV && node.tag != GUMBO_TAG_NOBR) return false;
  const std::string_view names = node.attribute("class");
  if (names.empty()) return false;
  if (names.find("katex-html") != std::string_view::npos) return true;
  if (!names.starts_with("MathJax") && !names.starts_with("mjx-chtml")) return false;
  // MathJax 2 puts the box in front of the script with its source.
  return !node.has_math && nodes[node.parent].has_math;
}

}  // namespace phidias::data::pipeline
