// Cuts a stream of bytes into WARC records by their headers alone; what lies inside a record is somebody else's matter.
//
// Format: ISO 28500 (WARC/1.0, 1.1). A place where no record begins, a header without a length and a length after which no record follows are damage: it is
// reported, and scanning goes on at the next line that begins with "WARC/1.", after damaged compression in the next gzip member that begins so.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "data/byte_source.h"

namespace phidias::data::pipeline {

inline constexpr std::size_t kMaxWarcRecordBytes = 64 << 20;

class WarcScanner {
 public:
  explicit WarcScanner(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  struct Record {
    std::int64_t number = 0;   // from 1, records of every kind
    std::string_view header;   // with the blank line
    std::string_view content;  // valid until the next call
    std::int64_t bytes = 0;    // of the stream up to the next record
    std::string problem;       // not empty: damage instead of a record; header and content are empty
  };
  // False at the end. Throws DataError where the stream itself is damaged and no record comes after, after the records before that place.
  bool next(Record& record);

 private:
  bool fill(std::size_t size);  // whether the stream has so many bytes from the present place on
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }
  bool skip(std::size_t size);  // false when the stream ends before
  void to_next_record(std::size_t from);
  bool recover(Record& record);  // from failure_
  bool damaged(Record& record, std::size_t resume, const std::string& what);

  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::int64_t consumed_ = 0, number_ = 0;
  bool ended_ = false;
  std::exception_ptr failure_;
};

}  // namespace phidias::data::pipeline
