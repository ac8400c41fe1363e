#include "data/pipeline/text/html_boilerplate.h"

#include <algorithm>
#include <array>
#include <string>

#include "data/pipeline/text/html_class_words.h"

namespace phidias::data::pipeline {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; });
}

bool is_hidden_style(std::string_view style) {
  std::string compact;
  for (const char c : style)
    if (c != ' ' && c != '\t' && c != '\n') compact += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return compact.find("display:none") != std::string::npos || compact.find("visibility:hidden") != std::string::npos;
}

bool is_control(int tag) {
  switch (tag) {
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_INPUT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_PROGRESS:
    case GUMBO_TAG_METER:
    case GUMBO_TAG_RT:  // readings of ruby text: the text without them is the sentence
    case GUMBO_TAG_RP:
    case GUMBO_TAG_RTC:
      return true;
    default:
      return false;
  }
}

// Elements whose class is believed word by word.
bool is_block(int tag) {
  switch (tag) {
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_P:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_UNKNOWN:  // elements of a page's own
      return true;
    default:
      return false;
  }
}

bool is_dropped_role(std::string_view role) {
  static constexpr std::array<std::string_view, 13> kRoles = {"navigation", "complementary", "contentinfo", "search",  "menu",    "menubar", "toolbar",
                                                              "dialog",     "alertdialog",   "alert",       "tablist", "tooltip", "doc-toc"};
  return std::ranges::any_of(kRoles, [&](std::string_view dropped) { return equals_ignoring_case(role, dropped); });
}

// "<section id=search>" and "<div class=section id=menus>" are chapters of a text, named by their headings.
bool is_chapter(const HtmlNode& node) {
  const std::string_view names = node.attribute("class");
  return node.tag == GUMBO_TAG_SECTION || names == "section" || names.starts_with("section ") || names.starts_with("sect");
}

ClassVerdict judge(const HtmlNode& node) { return judge_class(node.attribute("class"), is_chapter(node) ? std::string_view() : node.attribute("id")); }

double link_share(const HtmlNode& node) { return node.text == 0 ? 0.0 : static_cast<double>(node.link) / node.text; }

}  // namespace

HtmlBoilerplate::HtmlBoilerplate(std::span<const HtmlNode> nodes, bool main_content, bool by_class)
    : nodes_(nodes), main_content_(main_content), by_class_(by_class) {
  if (!main_content_ || nodes_.empty()) return;
  std::uint32_t main = 0, article = 0, behind_comments = 0;
  double comments = 0;
  int mains = 0, articles = 0;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const HtmlNode& node = nodes_[i];
    if (node.is_text) continue;
    if (node.tag == GUMBO_TAG_H1) ++headings_;
    if (i >= behind_comments && is_block(node.tag) && judge(node) == ClassVerdict::comments) {
      comments += node.text - node.link;
      behind_comments = node.end;
    }
    if (node.tag == GUMBO_TAG_MAIN || equals_ignoring_case(node.attribute("role"), "main")) {
      if (mains == 0 || !is_inside(i, main)) ++mains, main = i;
    } else if (node.tag == GUMBO_TAG_ARTICLE) {
      ++articles;
      article = i;
    }
  }
  comments_are_content_ = comments > 0.75 * (nodes_[0].text - nodes_[0].link);
  if (mains == 1 && holds(main, 0.4))
    root_ = main;
  else if (articles == 1 && holds(article, 0.5))
    root_ = article;
}

// Whether it holds more than this share of the page's text outside links.
bool HtmlBoilerplate::holds(std::uint32_t number, double share) const {
  return nodes_[number].text - nodes_[number].link > share * (nodes_[0].text - nodes_[0].link);
}

bool HtmlBoilerplate::has_element(std::uint32_t number, int tag) const {
  for (std::uint32_t i = number + 1; i < nodes_[number].end; ++i)
    if (nodes_[i].tag == tag && !nodes_[i].is_text) return true;
  return false;
}

bool HtmlBoilerplate::is_in_article(std::uint32_t number) const {
  while (number != 0) {
    number = nodes_[number].parent;
    if (nodes_[number].tag == GUMBO_TAG_ARTICLE || nodes_[number].tag == GUMBO_TAG_MAIN) return true;
  }
  return false;
}

bool HtmlBoilerplate::hides(std::uint32_t number) const {
  const HtmlNode& node = nodes_[number];
  if (node.is_text || number == 0) return false;
  if (is_control(node.tag) || (node.tag == GUMBO_TAG_LABEL && has_element(number, GUMBO_TAG_INPUT))) return true;
  const bool is_math = node.has_math && node.text < 2000;  // formulas for screen readers are where the TeX is
  if (!is_math) {
    if (node.has_attribute("hidden") || equals_ignoring_case(node.attribute("aria-hidden"), "true") || is_hidden_style(node.attribute("style"))) return true;
    if (judge_class(node.attribute("class"), {}) == ClassVerdict::hidden && !holds(number, 0.5)) return true;
  }
  return false;
}

bool HtmlBoilerplate::drops(std::uint32_t number) const {
  const HtmlNode& node = nodes_[number];
  if (node.is_text || number == 0) return false;
  if (hides(number)) return true;
  if (!main_content_) return false;
  if (root_ != 0 && !is_inside(number, root_) && !is_inside(root_, number)) {
    const bool is_heading_before = node.tag == GUMBO_TAG_H1 && number < root_;
    if (!is_heading_before && !(number < root_ && has_element(number, GUMBO_TAG_H1) && node.tag != GUMBO_TAG_NAV)) return true;
  }
  if (drops_landmark(number)) return true;
  return by_class_ && (drops_by_class(number) || drops_by_links(number));
}

bool HtmlBoilerplate::drops_landmark(std::uint32_t number) const {
  const HtmlNode& node = nodes_[number];
  switch (node.tag) {
    case GUMBO_TAG_NAV:
      return true;
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_MENU:
      return !holds(number, 0.5);
    case GUMBO_TAG_HEADER:
      if (is_in_article(number)) return false;
      return !holds(number, 0.5) && (!has_element(number, GUMBO_TAG_H1) || (headings_ > 1 && link_share(node) > 0.2));
    case GUMBO_TAG_FOOTER:
      return !holds(number, 0.5) && (node.depth < 3 || link_share(node) > 0.2 || node.end == nodes_[node.parent].end || node.text < 200);
    case GUMBO_TAG_UNKNOWN:
      if (equals_ignoring_case(node.content, "dialog")) return !holds(number, 0.5);
      break;
    default:
      break;
  }
  return is_dropped_role(node.attribute("role")) && !holds(number, 0.5);
}

bool HtmlBoilerplate::drops_by_class(std::uint32_t number) const {
  const HtmlNode& node = nodes_[number];
  if (!is_block(node.tag)) return false;
  if (is_inside(root_, number)) return false;
  switch (judge(node)) {
    case ClassVerdict::boilerplate:
      return !holds(number, 0.5);
    case ClassVerdict::comments:
      return !comments_are_content_;
    default:
      return node.has_attribute("data-ad") || node.has_attribute("data-ad-slot") || node.has_attribute("data-ad-unit");
  }
}

bool HtmlBoilerplate::drops_by_links(std::uint32_t number) const {
  const HtmlNode& node = nodes_[number];
  if (number == root_ || node.links == 0) return false;
  const double share = link_share(node);
  switch (node.tag) {
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
      return node.links >= 3 && share > 0.6;
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
      return node.depth > 2 && node.links >= 2 && share > 0.6 && node.text <= 1500 && !has_element(number, GUMBO_TAG_H1);
    case GUMBO_TAG_P:
      return node.links >= 3 && share > 0.8;
    case GUMBO_TAG_ARTICLE:
      return node.depth > 2 && share > 0.2 && node.text <= 500;
    default:
      return false;
  }
}

}  // namespace phidias::data::pipeline
