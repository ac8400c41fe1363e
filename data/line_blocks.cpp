#include "data/line_blocks.h"

#include <algorithm>
#include <exception>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/byte_source.h"
#include "data/parquet_plugin.h"

namespace phidias::data {

struct LineBlocks::State {
  std::shared_ptr<MappedFile> file;
  std::unique_ptr<ByteSource> source;  // compressed files only
  std::int64_t block_bytes = 0, index = 0, line = 1;
  std::size_t position = 0;  // plain: where the next block begins
  std::string carry;         // compressed: bytes after the last whole line
  bool ended = false;
  std::exception_ptr failure;  // compressed: what ended it, to be thrown after the whole lines before

  std::unique_ptr<ParquetTable> table;  // Parquet only
  std::vector<RowRange> ranges;
  std::size_t ranges_read = 0;

  LineBlock finish(std::string_view text, std::shared_ptr<const void> owner) {
    LineBlock block{.index = index++, .first_line = line, .owner = std::move(owner), .text = text};
    line += std::count(text.begin(), text.end(), '\n');
    return block;
  }
  LineBlock oversized(std::size_t bytes) {
    return {.index = index++, .first_line = line++, .owner = nullptr, .text = {}, .oversized_bytes = static_cast<std::int64_t>(bytes)};
  }

  std::optional<LineBlock> next_rows() {
    if (ranges_read == ranges.size()) return std::nullopt;
    const RowRange& range = ranges[ranges_read++];
    auto lines = std::make_shared<std::string>();
    table->append_lines(range.first, range.rows, *lines);
    return finish(*lines, lines);
  }

  std::optional<LineBlock> next_plain() {
    const std::string_view rest = file->text().substr(position);
    if (rest.empty()) return std::nullopt;
    std::size_t end = rest.size();
    if (rest.size() > static_cast<std::size_t>(block_bytes)) {
      const std::size_t last = rest.substr(0, static_cast<std::size_t>(block_bytes)).rfind('\n');
      end = last != std::string_view::npos ? last + 1 : std::min(rest.find('\n', static_cast<std::size_t>(block_bytes)), rest.size() - 1) + 1;
    }
    position += end;
    const std::string_view text = rest.substr(0, end);
    if (static_cast<std::int64_t>(end) > std::max(block_bytes, kMaxLineBytes)) return oversized(end);  // only one line can be longer than a block
    return finish(text, file);
  }

  std::optional<LineBlock> next_compressed() {
    auto buffer = std::make_shared<std::string>(std::move(carry));
    carry.clear();
    std::size_t skipped = 0;
    for (;;) {
      const std::size_t enough = static_cast<std::size_t>(block_bytes);
      const std::size_t last = buffer->size() >= enough || ended ? buffer->rfind('\n') : std::string::npos;
      if (last != std::string::npos || (ended && !buffer->empty())) {
        const std::size_t end = last == std::string::npos || (ended && skipped == 0) ? buffer->size() : (skipped > 0 ? buffer->find('\n') : last) + 1;
        carry = buffer->substr(end);
        buffer->resize(end);
        if (skipped > 0) return oversized(skipped + end);
        return finish(*buffer, buffer);
      }
      if (ended && failure) std::rethrow_exception(failure);
      if (ended) return skipped > 0 ? std::optional<LineBlock>(oversized(skipped)) : std::nullopt;
      if (static_cast<std::int64_t>(buffer->size()) > kMaxLineBytes) {  // the line is refused: forget it, but find its end
        skipped += buffer->size();
        buffer->clear();
      }
      try {
        ended = !source->read(*buffer, std::max<std::size_t>(enough / 2, 1));
      } catch (const DataError&) {
        failure = std::current_exception();
        ended = true;
        if (skipped == 0) buffer->resize(buffer->rfind('\n') + 1);  // npos + 1: no whole line
      }
    }
  }
};

LineBlocks::LineBlocks(const std::filesystem::path& path, std::int64_t block_bytes) : state_(std::make_unique<State>()) {
  if (std::filesystem::is_directory(path)) throw DataError(path.string() + ": a folder; name the file itself (JSONL, .gz or .zst)");
  state_->file = std::make_shared<MappedFile>(path);
  state_->block_bytes = std::max<std::int64_t>(block_bytes, 1);
  const std::string_view text = state_->file->text();
  if (text.starts_with("PAR1")) {
    state_->table = parquet_plugin(path.string()).open(path.string());
    state_->ranges = row_ranges(state_->table->row_groups(), state_->block_bytes);
    return;
  }
  state_->source = open_compressed(text, path.string());
}

LineBlocks::~LineBlocks() = default;

std::optional<LineBlock> LineBlocks::next() {
  if (state_->table) return state_->next_rows();
  return state_->source ? state_->next_compressed() : state_->next_plain();
}

std::int64_t LineBlocks::file_bytes() const { return static_cast<std::int64_t>(state_->file->size()); }

std::int64_t LineBlocks::bytes_read() const {
  if (state_->table)
    return file_bytes() * static_cast<std::int64_t>(state_->ranges_read) / std::max<std::int64_t>(static_cast<std::int64_t>(state_->ranges.size()), 1);
  return state_->source ? state_->source->consumed() : static_cast<std::int64_t>(state_->position);
}

LineCursor::LineCursor(const LineBlock& block) : rest_(block.text), line_(block.first_line) {
  if (block.first_line == 1 && rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
}

bool LineCursor::next(std::int64_t& line, std::string_view& text) {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('\n');
    const std::string_view whole = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    line = line_++;
    if (whole.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    text = whole.substr(0, whole.find_last_not_of('\r') + 1);
    return true;
  }
  return false;
}

void for_each_line(const LineBlock& block, const std::function<void(std::int64_t, std::string_view)>& visit) {
  LineCursor lines(block);
  std::int64_t line = 0;
  std::string_view text;
  while (lines.next(line, text)) visit(line, text);
}

}  // namespace phidias::data
