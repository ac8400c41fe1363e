// Whether a text of a-z and 0-9 holds any of many words: Aho and Corasick, "Efficient string matching" (1975), as a table of transitions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

class SubstringAutomaton {
 public:
  // Characters of the words beyond a-z and 0-9 are passed over; empty words are left out. 148 bytes per character of the words.
  explicit SubstringAutomaton(std::span<const std::string> words = {});
  // One step per character; characters beyond a-z and 0-9 are passed over, so that upper case has to be folded before.
  bool finds_in(std::string_view text) const;

 private:
  struct State {
    std::array<std::int32_t, 36> next;
    bool is_end = false;
  };
  static int symbol(char c) { return c >= 'a' && c <= 'z' ? c - 'a' : c >= '0' && c <= '9' ? 26 + c - '0' : -1; }
  std::vector<State> states_;
};

}  // namespace phidias::data::pipeline
