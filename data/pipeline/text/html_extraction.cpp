#include "data/pipeline/text/html_extraction.h"

#include <algorithm>
#include <array>

namespace phidias::data::pipeline {
namespace {

// A page with so much text outside links has content; when the rules leave nothing of it they were wrong about it.
constexpr std::uint32_t kFallbackCharacters = 100;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

std::size_t count_visible(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_blank(c) && (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool is_html(std::string_view text) {
  static constexpr std::array<std::string_view, 40> kStarts = {"!doctype html",
                                                               "!doctype svg",
                                                               "?xml",
                                                               "html",
                                                               "head",
                                                               "body",
                                                               "meta",
                                                               "title",
                                                               "link",
                                                               "script",
                                                               "style",
                                                               "div",
                                                               "p",
                                                               "h1",
                                                               "h2",
                                                               "h3",
                                                               "span",
                                                               "table",
                                                               "tr",
                                                               "td",
                                                               "ul",
                                                               "ol",
                                                               "a",
                                                               "b",
                                                               "i",
                                                               "center",
                                                               "font",
                                                               "br",
                                                               "hr",
                                                               "img",
                                                               "form",
                                                               "section",
                                                               "article",
                                                               "main",
                                                               "header",
                                                               "nav",
                                                               "pre",
                                                               "frameset",
                                                               "base",
                                                               "noscript"};
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (true) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (!text.starts_with("<!--")) break;
    const std::size_t close = text.find("-->");
    if (close == std::string_view::npos) return false;
    text.remove_prefix(close + 3);
  }
  if (!text.starts_with('<')) return false;
  text.remove_prefix(1);
  return std::ranges::any_of(kStarts, [&](std::string_view start) {
    if (text.size() <= start.size()) return false;
    for (std::size_t i = 0; i < start.size(); ++i)
      if ((text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i]) != start[i]) return false;
    const char next = text[start.size()];
    if (!is_blank(next) && next != '>' && next != '/') return false;
    return start.size() > 1 || text.find("</") != std::string_view::npos;
  });
}

HtmlExtraction HtmlExtractor::extract(std::string_view html, const HtmlOptions& options) {
  HtmlExtraction result;
  if (!tree_.parse(html)) {
    result.is_too_complex = true;
    return result;
  }
  result.title = tree_.title();
  result.language = tree_.language();
  const std::span<const HtmlNode> nodes = tree_.nodes();
  if (nodes.empty()) return result;
  write_html_text(nodes, HtmlBoilerplate(nodes, options.main_content, true), options.style, result.text);
  const std::uint32_t all = nodes[0].text;
  if (options.main_content && result.text.empty() && all - nodes[0].link >= kFallbackCharacters) {
    result.is_fallback = true;
    write_html_text(nodes, HtmlBoilerplate(nodes, true, false), options.style, result.text);
  }
  result.share = all == 0 ? 0.0 : std::min(1.0, static_cast<double>(count_visible(result.text)) / all);
  return result;
}

}  // namespace phidias::data::pipeline
