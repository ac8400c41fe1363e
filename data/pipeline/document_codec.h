// Documents between two segments of a pipeline: everything a Document holds, as bytes of this machine's order.
#pragma once

#include <string>
#include <string_view>

#include "data/pipeline/document.h"

namespace phidias::data::pipeline {

void append_encoded(const Document& document, std::string& out);

// Reads documents back in the order in which they were appended. The bytes are the caller's.
class DocumentDecoder {
 public:
  explicit DocumentDecoder(std::string_view bytes) : rest_(bytes) {}
  // False at the end. Throws DataError when the bytes are damaged.
  bool next(Document& document);

 private:
  std::string_view take(std::size_t size);
  std::string_view take_text();
  template <class T>
  T take_value();
  std::string_view rest_;
};

}  // namespace phidias::data::pipeline
