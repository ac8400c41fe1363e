// One training record, as it stands in a file: the kinds and fields a user may write (docs: "Records").
//
//   RecordParser parser;
//   Record record = parser.parse(line, RecordKind::automatic);      // kind detected from the fields
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat_template.h"

namespace phidias::data {

enum class RecordKind { automatic, text, chat, completion, preference, prompt, tokens };

std::string_view to_string(RecordKind kind);
// "auto", "text" ...; throws ConfigError naming the kinds.
RecordKind record_kind_from(std::string_view name);

struct Record {
  RecordKind kind = RecordKind::text;
  std::string text;                     // text
  std::vector<Message> messages;        // chat
  std::string prompt, completion;       // completion
  std::vector<std::int32_t> input_ids;  // tokens
  std::vector<std::int32_t> labels;     // tokens: empty, or one per id; -100 is not a target
};

// Parses lines of JSON; keeps its buffers from line to line, so one per thread.
class RecordParser {
 public:
  RecordParser();
  ~RecordParser();
  RecordParser(RecordParser&&) noexcept;
  // Throws DataError without a location: broken JSON, invalid UTF-8, a missing or mistyped field, no messages, a wrong role. Preference and prompt
  // records are recognised, not read: their fields stay empty.
  Record parse(std::string_view line, RecordKind kind);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phidias::data
