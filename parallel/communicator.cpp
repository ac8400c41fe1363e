#include "parallel/communicator.h"

#include <numeric>

#include "base/error.h"

namespace phidias::parallel {

std::int64_t element_size(DataType type) {
  switch (type) {
    case DataType::float32:
    case DataType::int32:
      return 4;
    case DataType::float64:
    case DataType::int64:
      return 8;
    case DataType::bfloat16:
      return 2;
    case DataType::uint8:
      return 1;
  }
  throw CommunicationError("unknown data type of a buffer");
}

std::string broadcast_string(Communicator& group, const std::string& text, int root) {
  std::int64_t length = static_cast<std::int64_t>(text.size());
  group.broadcast(&length, 1, DataType::int64, root);
  std::string result = group.rank() == root ? text : std::string(static_cast<std::size_t>(length), '\0');
  group.broadcast(result.data(), length, DataType::uint8, root);
  return result;
}

std::vector<std::string> all_gather_strings(Communicator& group, const std::string& text) {
  const std::int64_t length = static_cast<std::int64_t>(text.size());
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(group.size()));
  group.all_gather(&length, lengths.data(), 1, DataType::int64);
  std::string joined(static_cast<std::size_t>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0})), '\0');
  group.all_gather_v(text.data(), length, joined.data(), lengths, DataType::uint8);
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (const std::int64_t part : lengths) {
    parts.push_back(joined.substr(begin, static_cast<std::size_t>(part)));
    begin += static_cast<std::size_t>(part);
  }
  return parts;
}

}  // namespace phidias::parallel
