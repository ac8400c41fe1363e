#include "data/pipeline/text/html_text.h"

#include <algorithm>
#include <vector>

#include "data/pipeline/text/block_writer.h"
#include "data/pipeline/text/html_class_words.h"
#include "data/pipeline/text/html_math.h"
#include "data/pipeline/text/html_table.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

// Line ends around an element: 0 inline, 1 its own lines, 2 blank lines.
int block_lines(int tag) {
  switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_XMP:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
      return 2;
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_HGROUP:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_OPTION:
      return 1;
    default:
      return 0;
  }
}

bool is_preformatted(int tag) { return tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_LISTING || tag == GUMBO_TAG_XMP; }
bool is_list(int tag) { return tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL; }

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '#' || c == '-' || c == '_';
}

// "language-cpp", "lang-cpp", "highlight-source-cpp", "brush: cpp;" or Pandoc's "sourceCode cpp".
std::string language_of_class(std::string_view names) {
  for (const std::string_view prefix : {"language-", "lang-", "highlight-source-", "brush:", "sourceCode "}) {
    const std::size_t at = names.find(prefix);
    if (at == std::string_view::npos || (at > 0 && names[at - 1] != ' ')) continue;
    std::size_t begin = at + prefix.size();
    while (begin < names.size() && names[begin] == ' ') ++begin;
    std::size_t end = begin;
    while (end < names.size() && is_name_character(names[end])) ++end;
    if (end > begin && end - begin <= 24) return std::string(names.substr(begin, end - begin));
  }
  return {};
}

// A private-use character is an icon of some font; a lone pilcrow or number sign is a link to its heading.
bool is_icon(std::string_view text) {
  const std::string visible = collapsed(text);
  if (visible == "\u00b6" || visible == "\u21a9" || visible == "\u21a9\ufe0e") return true;
  if (visible.size() < 3) return false;
  for (std::size_t at = 0; at < visible.size(); at += static_cast<std::size_t>(utf8_length(visible[at]))) {
    const std::uint32_t c = decode_utf8(visible.data() + at);
    if ((c < 0xe000 || c > 0xf8ff) && c != ' ') return false;
  }
  return true;
}

class Writer {
 public:
  Writer(std::span<const HtmlNode> nodes, const HtmlBoilerplate& boilerplate, const HtmlTextStyle& style, std::string& text, bool is_cell = false)
      : nodes_(nodes), boilerplate_(boilerplate), style_(style), out_(text), is_cell_(is_cell) {}

  void write(std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t i = begin; i < end;) {
      close(i);
      const HtmlNode& node = nodes_[i];
      if (node.is_text) {
        if (!is_icon(node.content)) out_.text(node.content);
        ++i;
      } else {
        i = element(i);
      }
    }
    close(end);
  }

 private:
  struct Open {
    std::uint32_t end;
    int tag;
    std::string closing;  // text behind it
  };
  struct List {
    bool is_ordered;
    std::int64_t next;
  };

  void close(std::uint32_t at) {
    while (!open_.empty() && open_.back().end <= at) {
      Open& done = open_.back();
      if (!done.closing.empty()) out_.verbatim(done.closing);
      if (is_list(done.tag)) {
        lists_.pop_back();
        out_.block(lists_.empty() ? 2 : 1);
      }
      if (is_list(done.tag) || done.tag == GUMBO_TAG_LI) out_.indent(2 * static_cast<int>(lists_.size()));
      out_.block(block_lines(done.tag));
      open_.pop_back();
    }
  }

  // Writes what stands in front of the element, or all of it; returns the number of the next node.
  std::uint32_t element(std::uint32_t i) {
    const HtmlNode& node = nodes_[i];
    if (boilerplate_.drops(i) || is_formula_rendering(nodes_, i) || is_line_numbers(i)) return node.end;
    if (const std::string formula = html_formula(nodes_, i); !formula.empty()) {
      const bool is_display = formula.starts_with("$$") && !is_cell_;
      if (is_display) out_.block(1);
      out_.verbatim(formula);
      if (is_display) out_.block(1);
      return node.end;
    }
    if (node.tag == GUMBO_TAG_MATH || node.tag == GUMBO_TAG_SCRIPT) return node.end;
    if (is_preformatted(node.tag) && !is_cell_) return preformatted(i);
    if (node.tag == GUMBO_TAG_TABLE && !is_cell_) {
      const HtmlTable table = read_html_table(nodes_, i);
      if (table.is_data) return data_table(i, table);
    }
    if (node.tag == GUMBO_TAG_SUP) return power(i);
    open_element(i);
    return i + 1;
  }

  void open_element(std::uint32_t i) {
    const HtmlNode& node = nodes_[i];
    std::string closing;
    out_.block(block_lines(node.tag));
    switch (node.tag) {
      case GUMBO_TAG_BR:
        out_.line_break();
        return;
      case GUMBO_TAG_IMG:
        if (style_.images) out_.text(node.attribute("alt"));
        return;
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
        out_.block(lists_.empty() ? 2 : 1);
        lists_.push_back({node.tag == GUMBO_TAG_OL, std::max(0, std::atoi(std::string(node.attribute("start")).c_str()))});
        if (lists_.back().next == 0) lists_.back().next = 1;
        break;
      case GUMBO_TAG_LI:
        list_item();
        break;
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
        if (style_.headings == HeadingStyle::markdown && node.text > 0)
          out_.marker(std::string(static_cast<std::size_t>(node.tag - GUMBO_TAG_H1 + 1), '#') + " ");
        break;
      case GUMBO_TAG_CODE:
        if (style_.code == CodeStyle::fenced && is_one_line_code(i)) {
          out_.verbatim("`");
          closing = "`";
        }
        break;
      case GUMBO_TAG_A:
        if (style_.links && node.text > 0 && !node.attribute("href").empty() && !node.attribute("href").starts_with("javascript:")) {
          out_.verbatim("[");
          closing = "](" + std::string(node.attribute("href")) + ")";
        }
        break;
      default:
        break;
    }
    open_.push_back({node.end, node.tag, std::move(closing)});
  }

  void list_item() {
    if (lists_.empty()) {
      out_.indent(2);
      out_.marker("- ");
      return;
    }
    List& list = lists_.back();
    const std::string marker = list.is_ordered ? std::to_string(list.next++) + ". " : "- ";
    // The marker is written into the indentation of its item's lines.
    out_.indent(2 * static_cast<int>(lists_.size() - 1) + static_cast<int>(marker.size()));
    out_.marker(marker);
  }

  // A column of numbers beside a block of code.
  bool is_line_numbers(std::uint32_t i) const {
    const HtmlNode& node = nodes_[i];
    if ((node.tag != GUMBO_TAG_TD && node.tag != GUMBO_TAG_PRE && node.tag != GUMBO_TAG_DIV) || !is_line_number_class(node.attribute("class"))) return false;
    for (std::uint32_t k = i + 1; k < node.end; ++k)
      if (nodes_[k].is_text && nodes_[k].content.find_first_not_of("0123456789 \t\r\n") != std::string_view::npos) return false;
    return true;
  }

  bool is_one_line_code(std::uint32_t i) const {
    if (nodes_[i].text == 0 || nodes_[i].text > 400) return false;
    for (std::uint32_t k = i + 1; k < nodes_[i].end; ++k)
      if (nodes_[k].is_text ? nodes_[k].content.find_first_of("`\n") != std::string_view::npos : nodes_[k].tag == GUMBO_TAG_BR) return false;
    return true;
  }

  std::uint32_t power(std::uint32_t i) {
    const HtmlNode& node = nodes_[i];
    std::string inside;
    Writer(nodes_, boilerplate_, style_, inside, true).write(i + 1, node.end);
    if (node.links > 0 && node.link == node.text) return node.end;  // a footnote's mark
    static constexpr std::array<std::string_view, 10> kOrdinals = {"st", "nd", "rd", "th", "e", "er", "re", "o", "a", "tm"};
    const bool is_short = !inside.empty() && inside.size() <= 5;
    const bool is_plain = std::ranges::all_of(inside, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '+' || c == '-'; });
    const bool is_minus = inside.starts_with("\u2212") && inside.size() <= 7;
    const bool has_base =
        !out_.is_at_space() && (static_cast<unsigned char>(out_.last()) >= 0x80 || std::isalnum(static_cast<unsigned char>(out_.last())) || out_.last() == ')');
    if (((is_short && is_plain) || is_minus) && has_base && std::ranges::find(kOrdinals, inside) == kOrdinals.end()) out_.verbatim("^");
    out_.text(inside);
    return node.end;
  }

  std::uint32_t preformatted(std::uint32_t i) {
    const HtmlNode& node = nodes_[i];
    std::string code, language = language_of_class(node.attribute("class"));
    for (std::uint32_t up = i, level = 0; language.empty() && up != 0 && level < 3; ++level) {
      up = nodes_[up].parent;
      language = language_of_class(nodes_[up].attribute("class"));
    }
    for (std::uint32_t k = i + 1; k < node.end;) {
      const HtmlNode& inner = nodes_[k];
      if (inner.is_text) {
        code += inner.content;
      } else if (inner.tag == GUMBO_TAG_BUTTON || is_line_number_class(inner.attribute("class"))) {
        k = inner.end;
        continue;
      } else if ((inner.tag == GUMBO_TAG_BR || block_lines(inner.tag) > 0) && !code.empty() && code.back() != '\n') {
        code += '\n';
      }
      if (!inner.is_text && language.empty()) language = language_of_class(inner.attribute("class"));
      ++k;
    }
    while (!code.empty() && (code.back() == '\n' || code.back() == ' ' || code.back() == '\t' || code.back() == '\r')) code.pop_back();
    const std::size_t line = code.find_first_not_of(" \t\r\n");
    if (line == std::string::npos) return node.end;
    const std::size_t before = code.rfind('\n', line);
    if (before != std::string::npos) code.erase(0, before + 1);
    out_.block(2);
    const int indent = out_.indent();
    out_.indent(0);
    if (style_.code == CodeStyle::fenced) {
      std::string fence = "```";
      while (code.find(fence) != std::string::npos) fence += '`';
      code = fence + language + "\n" + code + "\n" + fence;
    }
    out_.verbatim(code);
    out_.indent(indent);
    out_.block(2);
    return node.end;
  }

  std::string cell(std::uint32_t number) const {
    std::string text;
    Writer(nodes_, boilerplate_, style_, text, true).write(number + 1, nodes_[number].end);
    std::string one_line;
    for (const char c : collapsed(text)) {
      if (c == '|' && style_.tables == TableStyle::pipes) one_line += '\\';
      one_line += c;
    }
    return one_line;
  }

  std::uint32_t data_table(std::uint32_t i, const HtmlTable& table) {
    out_.block(2);
    if (table.caption != 0) {
      out_.text(cell(table.caption));
      out_.block(1);
    }
    const bool pipes = style_.tables == TableStyle::pipes;
    bool is_first = true;
    for (const HtmlTable::Row& row : table.rows) {
      std::string line, rule;
      for (const std::uint32_t number : row.cells) {
        const std::string text = boilerplate_.hides(number) ? std::string() : cell(number);
        if (pipes) {
          line += (line.empty() ? "| " : " ") + text + " |";
          rule += rule.empty() ? "| --- |" : " --- |";
        } else {
          line += (number == row.cells.front() ? "" : "\t") + text;
        }
      }
      out_.block(1);
      out_.verbatim(line);
      if (pipes && is_first && row.is_header) {
        out_.block(1);
        out_.verbatim(rule);
      }
      is_first = false;
    }
    out_.block(2);
    return nodes_[i].end;
  }

  std::span<const HtmlNode> nodes_;
  const HtmlBoilerplate& boilerplate_;
  const HtmlTextStyle& style_;
  BlockWriter out_;
  bool is_cell_;
  std::vector<Open> open_;
  std::vector<List> lists_;
};

}  // namespace

void write_html_text(std::span<const HtmlNode> nodes, const HtmlBoilerplate& boilerplate, const HtmlTextStyle& style, std::string& text) {
  if (!nodes.empty()) Writer(nodes, boilerplate, style, text).write(0, static_cast<std::uint32_t>(nodes.size()));
}

}  // namespace phidias::data::pipeline
