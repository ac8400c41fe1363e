// A list of byte strings back to back, with the end of each: what a stage collects from the documents of a unit, and what it decides about them.
//
// Bytes: count u64, ends u64[count], content; little endian. A view of nothing is an empty list.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

class RecordListView {
 public:
  RecordListView() = default;
  // Throws DataError when the bytes are no record list. The memory is the caller's.
  explicit RecordListView(std::string_view bytes);
  std::size_t size() const { return count_; }
  std::string_view operator[](std::size_t index) const {
    const std::uint64_t begin = index == 0 ? 0 : end_of(index - 1);
    return content_.substr(begin, end_of(index) - begin);
  }
  std::string_view content() const { return content_; }

 private:
  std::uint64_t end_of(std::size_t index) const {
    std::uint64_t end = 0;
    std::memcpy(&end, ends_ + index * sizeof end, sizeof end);
    return end;
  }
  std::size_t count_ = 0;
  const char* ends_ = nullptr;
  std::string_view content_;
};

class RecordList {
 public:
  void add(std::string_view record) {
    content_ += record;
    ends_.push_back(content_.size());
  }
  std::size_t size() const { return ends_.size(); }
  std::string bytes() const;

 private:
  std::vector<std::uint64_t> ends_;
  std::string content_;
};

}  // namespace phidias::data::pipeline
