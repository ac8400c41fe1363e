// JSON written and taken apart without a document tree: what the line format of the pipeline needs at the speed of memory.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

// Appends `text` (valid UTF-8) in quotes; escapes the quote, the backslash and control characters only.
void append_json_string(std::string_view text, std::string& out);

// Appends the shortest number that reads back as `value`; `null` for what JSON has no number for (not a number, infinity).
void append_json_number(double value, std::string& out);

// The members of an object in order, as they are written. The text must be one valid JSON object (a parser has accepted it).
class RawMembers {
 public:
  explicit RawMembers(std::string_view object);
  // False at the end. `key` is without its quotes and still escaped; `value` is without white space around it.
  bool next(std::string_view& key, std::string_view& value);

 private:
  void skip_space();
  std::string_view string();  // at a quote; moves behind the closing one; without quotes
  std::string_view text_;
  std::size_t at_ = 0;
};

// Overwrites with spaces the digits of integers that are too long for 64 bits, but for the first two: so that a parser that refuses them may check the rest of
// the text. Offsets stay the same.
void blank_long_integers(std::string& json);

}  // namespace phidias::data::pipeline
