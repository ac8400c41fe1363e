#include "data/pipeline/record_list.h"

#include "base/error.h"

namespace phidias::data::pipeline {

RecordListView::RecordListView(std::string_view bytes) {
  const auto fail = [] { throw DataError("a list of records is damaged"); };
  if (bytes.empty()) return;
  std::uint64_t count = 0;
  if (bytes.size() < sizeof count) fail();
  std::memcpy(&count, bytes.data(), sizeof count);
  if (count > (bytes.size() - sizeof count) / sizeof(std::uint64_t)) fail();
  count_ = count;
  ends_ = bytes.data() + sizeof count;
  content_ = bytes.substr(sizeof count + count * sizeof(std::uint64_t));
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint64_t end = end_of(i);
    if (end < last) fail();
    last = end;
  }
  if (last != content_.size()) fail();
}

std::string RecordList::bytes() const {
  const std::uint64_t count = ends_.size();
  std::string bytes(reinterpret_cast<const char*>(&count), sizeof count);
  bytes.append(reinterpret_cast<const char*>(ends_.data()), ends_.size() * sizeof(std::uint64_t));
  return bytes + content_;
}

}  // namespace phidias::data::pipeline
