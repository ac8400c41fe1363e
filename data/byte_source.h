// Decompressed bytes of a gzip (any number of members) or zstd (any number of frames) file in memory.
//
//   if (auto source = open_compressed(file.text(), path)) while (source->read(out, 1 << 20)) ...;
//   else out = file.text();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace phidias::data {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Appends at most `size` bytes to `out`; false at the end. Throws DataError naming the file where the stream is damaged or ends early; the good bytes
  // before that place are then in `out`.
  virtual bool read(std::string& out, std::size_t size) = 0;
  virtual std::int64_t consumed() const = 0;  // compressed bytes
  // After read() has thrown: goes to the next place that looks like the begin of a gzip member; false when there is none.
  virtual bool skip_damage() { return false; }
};

// By the first bytes; null when they are neither gzip's nor zstd's. `bytes` must outlive the source; `name` stands in errors.
std::unique_ptr<ByteSource> open_compressed(std::string_view bytes, const std::string& name);
// The same, and the bytes as they are when they are not compressed.
std::unique_ptr<ByteSource> open_bytes(std::string_view bytes, const std::string& name);

}  // namespace phidias::data
