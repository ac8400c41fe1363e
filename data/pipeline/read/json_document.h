// Lines of JSON to documents.
//
//   JsonDocuments lines(file);                                  // one per thread: keeps its buffers
//   lines.parse(text, readable, line, document);
//
// text, id and url come from the configured members: a member of that very name, else a dot in the name leads into an object. id may be a number. Where the
// url's member is missing, metadata.url is taken. Every other member is kept byte for byte in Document.fields, but for what a pipeline itself wrote:
// `annotations` (an object of numbers, truth values and strings; null is "not a number") is restored; `kept` (true or false), and `reason` beside it, are
// passed over, so that a document that was once dropped is decided on anew; `source` (a string) counts unless the user named the source. A member that is
// none of these but has a name which the output needs ("text" where text_field is "content", another `source` than the user's) is kept as "input_text".
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "data/pipeline/document.h"
#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

class JsonDocuments {
 public:
  // `file` must outlive it.
  explicit JsonDocuments(const InputFile& file);
  ~JsonDocuments();
  // Fills a cleared document. `readable`: bytes that may be read from line.data() on, at least line.size(); 64 more than that save a copy. Throws DataError
  // without a location: invalid UTF-8, broken JSON (also half of a surrogate pair), not an object, a member that stands twice, a missing or mistyped text,
  // id or url. An escaped NUL is a character like any other.
  void parse(std::string_view line, std::size_t readable, std::int64_t number, Document& document);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phidias::data::pipeline
