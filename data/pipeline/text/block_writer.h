// Text in blocks: pending line ends, spaces and list markers are written when the next visible character comes, so that nothing is written for empty elements.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace phidias::data::pipeline {

class BlockWriter {
 public:
  explicit BlockWriter(std::string& out) : out_(out), begin_(out.size()) {}
  // At least so many line ends before what follows.
  void block(int lines) {
    if (lines == 0) return;
    lines_ = std::max(lines_, lines);
    space_ = false;
  }
  void line_break() { lines_ = std::min(lines_ + 1, 2); }
  void indent(int columns) { indent_ = columns; }
  int indent() const { return indent_; }
  // In front of the next visible character, which starts a line.
  void marker(std::string text) { marker_ = std::move(text); }
  // Collapses white space.
  void text(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (is_blank(text[at])) {
        space_ = true;
        ++at;
        continue;
      }
      std::size_t end = at + 1;
      while (end < text.size() && !is_blank(text[end])) ++end;
      verbatim(text.substr(at, end - at));
      at = end;
    }
  }
  // As it stands, after what is pending.
  void verbatim(std::string_view text) {
    if (text.empty()) return;
    const bool is_first = out_.size() == begin_;
    if (is_first || lines_ > 0) {
      if (!is_first) out_.append(static_cast<std::size_t>(lines_), '\n');
      const int columns = indent_ - static_cast<int>(marker_.size());
      out_.append(static_cast<std::size_t>(std::max(0, columns)), ' ');
      out_ += marker_;
      marker_.clear();
    } else if (space_ && out_.back() != ' ' && out_.back() != '\n') {
      out_ += ' ';
    }
    lines_ = 0;
    space_ = false;
    out_ += text;
  }
  bool is_at_space() const { return out_.size() == begin_ || lines_ > 0 || space_; }
  char last() const { return out_.size() == begin_ ? '\n' : out_.back(); }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
  std::string& out_;
  std::size_t begin_;
  int lines_ = 0, indent_ = 0;
  bool space_ = false;
  std::string marker_;
};

}  // namespace phidias::data::pipeline
