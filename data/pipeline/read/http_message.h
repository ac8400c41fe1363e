// Header fields of WARC records and HTTP responses, and the bodies of the latter. Foreign bytes: nothing here trusts a length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace phidias::data::pipeline {

// Length of a block of header lines with the blank line that ends it; 0 when it does not end in `text`.
std::size_t header_size(std::string_view text);

// "Name: value" lines under a first line. Views into the text.
class HeaderFields {
 public:
  explicit HeaderFields(std::string_view block);
  std::string_view first_line() const { return first_line_; }
  // Of the first field of this name, whatever its case; without white space around it; empty when there is none.
  std::string_view get(std::string_view name) const;

 private:
  std::string_view first_line_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// A response's body with chunks joined and gzip, deflate and zstd undone. A body that only says that it is chunked or compressed is taken as it is. Throws
// DataError without a location: damaged compression, more than `max_bytes`, an encoding that this program does not know (br).
std::string decode_body(const HeaderFields& headers, std::string_view body, std::size_t max_bytes);

}  // namespace phidias::data::pipeline
