#include "data/pipeline/read/warc_scanner.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "data/pipeline/read/http_message.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kReadBytes = 1 << 20, kMaxHeaderBytes = 1 << 20;

bool parse_length(std::string_view text, std::size_t& length) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
  return !text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// Whether a record may have ended before `text`: two line ends follow, or the next record, or nothing.
bool fits_after_record(std::string_view text) {
  constexpr std::string_view kBegin = "WARC/";
  if (text.starts_with("\r\n\r\n") || text.starts_with("\n\n")) return true;
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  return text.substr(0, kBegin.size()) == kBegin.substr(0, text.size());
}

}  // namespace

bool WarcScanner::fill(std::size_t size) {
  while (!ended_ && buffer_.size() - at_ < size) {
    if (at_ >= kReadBytes) {
      buffer_.erase(0, at_);
      consumed_ += static_cast<std::int64_t>(at_);
      at_ = 0;
    }
    try {
      ended_ = !source_->read(buffer_, kReadBytes);
    } catch (const DataError&) {
      failure_ = std::current_exception();
      ended_ = true;
    }
  }
  return buffer_.size() - at_ >= size;
}

bool WarcScanner::skip(std::size_t size) {
  while (size > 0 && fill(1)) {
    const std::size_t step = std::min(size, buffer_.size() - at_);
    at_ += step;
    size -= step;
  }
  return size == 0;
}

void WarcScanner::to_next_record(std::size_t from) {
  constexpr std::string_view kBegin = "\nWARC/1.";
  at_ += from;
  while (fill(kBegin.size())) {
    const std::size_t found = rest().find(kBegin);
    if (found != std::string_view::npos) {
      at_ += found + 1;
      return;
    }
    at_ = buffer_.size() - (kBegin.size() - 1);
  }
  at_ = buffer_.size();
}

bool WarcScanner::recover(Record& record) {
  const std::exception_ptr failure = failure_;
  do {
    if (!source_->skip_damage()) std::rethrow_exception(failure);
    consumed_ += static_cast<std::int64_t>(buffer_.size());
    buffer_ = "\n";  // the next record may stand at the member's begin
    at_ = 0;
    ended_ = false;
    failure_ = nullptr;
    to_next_record(0);
  } while (failure_ && at_ == buffer_.size());
  record = {.number = ++number_, .header = {}, .content = {}, .bytes = 1, .problem = {}};
  try {
    std::rethrow_exception(failure);
  } catch (const DataError& error) {
    record.problem = std::string(error.what()) + "; records up to the next one that can be read are lost";
  }
  return true;
}

bool WarcScanner::damaged(Record& record, std::size_t resume, const std::string& what) {
  const std::int64_t begin = consumed_ + static_cast<std::int64_t>(at_);
  to_next_record(resume);
  record = {.number = ++number_, .header = {}, .content = {}, .bytes = consumed_ + static_cast<std::int64_t>(at_) - begin, .problem = what};
  return true;
}

bool WarcScanner::next(Record& record) {
  while (fill(1) && (buffer_[at_] == '\r' || buffer_[at_] == '\n')) ++at_;
  if (!fill(1)) {
    return failure_ ? recover(record) : false;
  }
  fill(5);
  if (!rest().starts_with("WARC/")) return damaged(record, 0, "no WARC record begins here; what stands before the next one is passed over");
  std::size_t header = 0;
  for (std::size_t size = 4096; header == 0 && size <= kMaxHeaderBytes; size *= 2) {
    const bool there = fill(size);
    header = header_size(rest().substr(0, kMaxHeaderBytes));
    if (!there) break;
  }
  if (header == 0 && failure_) return recover(record);
  if (header == 0) return damaged(record, 1, "the header of the record does not end");
  std::size_t length = 0;
  if (!parse_length(HeaderFields(rest().substr(0, header)).get("Content-Length"), length))
    return damaged(record, header - 1, "the record has no valid Content-Length");
  if (length > kMaxWarcRecordBytes) {
    const std::string what = "the record has " + std::to_string(length) + " bytes; the limit is " + std::to_string(kMaxWarcRecordBytes);
    if (!skip(header) || !skip(length)) return failure_ ? recover(record) : damaged(record, 0, what + ", and the file ends before");
    record = {.number = ++number_, .header = {}, .content = {}, .bytes = 0, .problem = what};
    return true;
  }
  if (!fill(header + length)) {
    if (failure_) return recover(record);
    return damaged(record, header - 1, "the file ends inside the record, or its Content-Length is wrong");
  }
  fill(header + length + 16);  // white space and the next begin
  if (!fits_after_record(rest().substr(header + length, 16)))
    return damaged(record, header - 1, "no record follows where this one should end: its Content-Length is wrong");
  record = {.number = ++number_,
            .header = rest().substr(0, header),
            .content = rest().substr(header, length),
            .bytes = static_cast<std::int64_t>(header + length),
            .problem = {}};
  at_ += header + length;
  return true;
}

}  // namespace phidias::data::pipeline
