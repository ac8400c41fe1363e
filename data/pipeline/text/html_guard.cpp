#include "data/pipeline/text/html_guard.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace phidias::data::pipeline {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

// Elements without content, and elements whose end tag may be missing because the next of their kind ends them: neither deepens a page.
constexpr std::array<std::string_view, 34> kFlat = {
    "area", "base", "basefont", "body", "br", "col",    "dd",    "dt",       "embed", "frame", "head",   "hr",    "html", "image", "img", "input", "keygen",
    "li",   "link", "meta",     "nobr", "p",  "option", "param", "optgroup", "rp",    "rt",    "source", "tbody", "td",   "tfoot", "th",  "thead", "tr"};
// Elements whose content is no markup.
constexpr std::array<std::string_view, 9> kRaw = {"iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp"};

bool contains(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

struct Tag {
  std::size_t end = 0;         // behind '>'
  std::size_t cut = 0;         // where its attributes go beyond the bound; 0: nowhere
  std::array<char, 16> name;   // lower case, cut
  std::size_t name_bytes = 0;  // of it
  bool is_end = false, is_closed = false;
};

// `at` is behind "<" or "</", on a letter.
Tag read_tag(std::string_view html, std::size_t at, bool is_end) {
  Tag tag;
  tag.is_end = is_end;
  for (; at < html.size() && !is_blank(html[at]) && html[at] != '/' && html[at] != '>'; ++at)
    if (tag.name_bytes < tag.name.size()) tag.name[tag.name_bytes++] = static_cast<char>(html[at] >= 'A' && html[at] <= 'Z' ? html[at] | 0x20 : html[at]);
  int attributes = 0;
  bool in_name = false;
  for (; at < html.size() && html[at] != '>'; ++at) {
    const char c = html[at];
    tag.is_closed = c == '/';
    if (is_blank(c) || c == '/') {
      in_name = false;
    } else if (c == '=' && in_name) {
      std::size_t value = at + 1;
      while (value < html.size() && is_blank(html[value])) ++value;
      if (value < html.size() && (html[value] == '"' || html[value] == '\'')) {
        const std::size_t quote = html.find(html[value], value + 1);
        at = quote == std::string_view::npos ? html.size() - 1 : quote;
      } else {
        while (value < html.size() && !is_blank(html[value]) && html[value] != '>') ++value;
        at = value - 1;
      }
      in_name = false;
    } else if (!in_name) {
      in_name = true;
      if (++attributes == kMaxHtmlAttributes + 1) tag.cut = at;
    }
  }
  tag.end = std::min(at + 1, html.size());
  return tag;
}

// Behind the content of a raw element: at its end tag, or at the end of the page.
std::size_t raw_end(std::string_view html, std::size_t at, std::string_view name) {
  if (name == "plaintext") return html.size();
  while ((at = html.find("</", at)) != std::string_view::npos) {
    if (html.size() - at - 2 >= name.size() && strncasecmp(html.data() + at + 2, name.data(), name.size()) == 0) return at;
    at += 2;
  }
  return html.size();
}

// Goes along the tags. `copy`, where given, gets the page without what is beyond the bounds; else false at the first thing beyond.
bool walk(std::string_view html, std::string* copy) {
  int depth = 0, left_out = 0, foreign = 0;
  std::size_t copied = 0;
  const auto leave_out = [&](std::size_t from, std::size_t to) {
    copy->append(html, copied, from - copied);
    copied = to;
  };
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    const std::size_t begin = at;
    if (html.compare(at, 4, "<!--") == 0) {
      const std::size_t close = html.find("-->", std::min(at + 2, html.size()));
      at = close == std::string_view::npos ? html.size() : close + 3;
      continue;
    }
    const bool is_end = at + 1 < html.size() && html[at + 1] == '/';
    at += is_end ? 2 : 1;
    if (at >= html.size() || !is_letter(html[at])) continue;
    const Tag tag = read_tag(html, at, is_end);
    const std::string_view name(tag.name.data(), tag.name_bytes);
    at = tag.end;
    if (tag.cut != 0) {
      if (copy == nullptr) return false;
      leave_out(tag.cut, tag.end - (html[tag.end - 1] == '>' ? 1 : 0));
    }
    if (name == "svg" || name == "math") foreign = std::max(0, foreign + (is_end ? -1 : 1));
    if (contains(kFlat, name)) continue;
    if (!is_end && foreign == 0 && contains(kRaw, name)) {
      at = raw_end(html, at, name);
      continue;
    }
    if (contains(kRaw, name) && foreign == 0) continue;
    if (is_end) {
      if (left_out > 0) {
        --left_out;
        leave_out(std::max(begin, copied), tag.end);
      } else if (depth > 0) {
        --depth;
      }
    } else if (!(tag.is_closed && foreign > 0)) {
      if (depth < kMaxHtmlDepth) {
        ++depth;
      } else {
        if (copy == nullptr) return false;
        ++left_out;
        // A tag that was cut is in the copy up to the cut: it is taken back whole.
        if (copied > begin) {
          copy->resize(copy->size() - (tag.cut - begin));
          copied = tag.end;
        } else {
          leave_out(begin, tag.end);
        }
      }
    }
  }
  if (copy != nullptr) copy->append(html, copied);
  return true;
}

}  // namespace

std::string_view bounded_html(std::string_view html, std::string& scratch) {
  if (walk(html, nullptr)) return html;
  scratch.clear();
  walk(html, &scratch);
  return scratch;
}

}  // namespace phidias::data::pipeline
