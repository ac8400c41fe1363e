// The lines of a file in blocks of whole lines, in order: plain files through a memory map, .gz and .zst decompressed in place, the rows of Parquet as lines of
// JSON (data/parquet_plugin.h).
//
//   LineBlocks blocks(path, 4 << 20);
//   while (std::optional<LineBlock> block = blocks.next()) for_each_line(*block, [](std::int64_t line, std::string_view text) { ... });
//
// The blocks are a function of the file and the block size alone, so ranks that share a file can take every n-th block each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace phidias::data {

inline constexpr std::int64_t kMaxLineBytes = 64 << 20;

struct LineBlock {
  std::int64_t index = 0;             // from 0
  std::int64_t first_line = 1;        // line number of its first line, from 1
  std::shared_ptr<const void> owner;  // keeps `text` alive
  std::string_view text;
  std::int64_t oversized_bytes = 0;  // > 0: the block is one line longer than kMaxLineBytes (this long at least); text is empty
};

class LineBlocks {
 public:
  // Throws DataError: no such file, a directory, Parquet that is damaged or that this build does not read.
  LineBlocks(const std::filesystem::path& path, std::int64_t block_bytes);
  ~LineBlocks();
  // Throws DataError naming the file when the compressed stream is damaged or ends early, after the whole lines before that place.
  std::optional<LineBlock> next();
  // Of the compressed bytes where the file is compressed.
  std::int64_t file_bytes() const;
  std::int64_t bytes_read() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The lines of a block that are not blank, one by one; line ends (also CRLF) and a byte-order mark at the file's start are taken off.
class LineCursor {
 public:
  explicit LineCursor(const LineBlock& block);
  // False at the end. `text` is a part of the block's.
  bool next(std::int64_t& line, std::string_view& text);

 private:
  std::string_view rest_;
  std::int64_t line_;
};

// Calls `visit(line number, text)` for each of them.
void for_each_line(const LineBlock& block, const std::function<void(std::int64_t, std::string_view)>& visit);

}  // namespace phidias::data
