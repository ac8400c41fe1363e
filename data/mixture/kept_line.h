// A line of a kept shard ({"id", "text", "source", "annotations": {...}}), or of any JSON lines with a text, as tokenising needs it.
//
//   KeptLineParser parser({"education.score", "language"});
//   const KeptLine& line = parser.parse(text);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/mixture/column_table.h"

namespace phidias::data::mixture {

struct KeptLine {
  bool kept = true;  // false: a pipeline wrote it as dropped
  std::string text;
  std::uint64_t id = 0, text_hash = 0;  // XXH3-128, lower half; a line without an id takes the text's
  std::vector<ColumnValue> values;      // of the columns, from `annotations` or else from the line itself
};

// Keeps its buffers from line to line, so one per thread.
class KeptLineParser {
 public:
  explicit KeptLineParser(std::vector<std::string> columns);
  ~KeptLineParser();
  // Throws DataError without a location: broken JSON, invalid UTF-8, no text, an annotation that is neither number, truth value nor text.
  const KeptLine& parse(std::string_view line);
  // Names that a column may have: of the annotations of a line, or where it has none of its own members beside text and id.
  std::vector<std::string> names(std::string_view line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phidias::data::mixture
