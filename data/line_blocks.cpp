#include "data/line_blocks.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias::data {
namespace {

// Where bytes come from: `read` appends at most `size` bytes to `out` and returns false at the end.
class Source {
 public:
  virtual ~Source() = default;
  virtual bool read(std::string& out, std::size_t size) = 0;
  virtual std::int64_t consumed() const = 0;
};

class GzipSource final : public Source {
 public:
  GzipSource(const std::byte* data, std::size_t size, std::string name) : name_(std::move(name)), total_(size) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
    left_ = size;
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw DataError(name_ + ": cannot start gzip decompression");
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  bool read(std::string& out, std::size_t size) override {
    const std::size_t before = out.size();
    out.resize(before + size);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0 && (left_ > 0 || stream_.avail_in > 0)) {
      if (stream_.avail_in == 0) {
        stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(left_, 1u << 30));
        left_ -= stream_.avail_in;
      }
      if (ended_) {  // a file of several members
        inflateReset(&stream_);
        ended_ = false;
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END)
        ended_ = true;
      else if (result != Z_OK)
        throw DataError(name_ + ": damaged gzip stream (" + (stream_.msg ? stream_.msg : "unknown") + ")");
    }
    out.resize(out.size() - stream_.avail_out);
    if (out.size() == before && !ended_ && total_ > 0) throw DataError(name_ + ": the gzip stream ends early; the file is truncated");
    return out.size() > before;
  }
  std::int64_t consumed() const override { return static_cast<std::int64_t>(total_ - left_ - stream_.avail_in); }

 private:
  std::string name_;
  z_stream stream_{};
  std::size_t total_, left_ = 0;
  bool ended_ = false;
};

class ZstdSource final : public Source {
 public:
  ZstdSource(const std::byte* data, std::size_t size, std::string name)
      : name_(std::move(name)), in_{data, size, 0}, stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {}
  bool read(std::string& out, std::size_t size) override {
    const std::size_t before = out.size();
    out.resize(before + size);
    ZSTD_outBuffer buffer{out.data() + before, size, 0};
    while (buffer.pos < size) {
      const std::size_t in_before = in_.pos, out_before = buffer.pos;
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &buffer, &in_);
      if (ZSTD_isError(result)) throw DataError(name_ + ": damaged zstd stream (" + ZSTD_getErrorName(result) + ")");
      if (in_.pos == in_before && buffer.pos == out_before) {
        if (pending_ != 0 && in_.size > 0) throw DataError(name_ + ": the zstd stream ends early; the file is truncated");
        break;
      }
      pending_ = result;
    }
    out.resize(before + buffer.pos);
    return buffer.pos > 0;
  }
  std::int64_t consumed() const override { return static_cast<std::int64_t>(in_.pos); }

 private:
  std::string name_;
  ZSTD_inBuffer in_;
  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
  std::size_t pending_ = 1;  // what zstd still expects; 0 at the end of a frame
};

}  // namespace

struct LineBlocks::State {
  std::shared_ptr<MappedFile> file;
  std::unique_ptr<Source> source;  // compressed files only
  std::int64_t block_bytes = 0, index = 0, line = 1;
  std::size_t position = 0;  // plain: where the next block begins
  std::string carry;         // compressed: bytes after the last whole line
  bool ended = false;

  LineBlock finish(std::string_view text, std::shared_ptr<const void> owner) {
    LineBlock block{.index = index++, .first_line = line, .owner = std::move(owner), .text = text};
    line += std::count(text.begin(), text.end(), '\n');
    return block;
  }
  LineBlock oversized(std::size_t bytes) {
    return {.index = index++, .first_line = line++, .owner = nullptr, .text = {}, .oversized_bytes = static_cast<std::int64_t>(bytes)};
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
      if (ended) return skipped > 0 ? std::optional<LineBlock>(oversized(skipped)) : std::nullopt;
      if (static_cast<std::int64_t>(buffer->size()) > kMaxLineBytes) {  // the line is refused: forget it, but find its end
        skipped += buffer->size();
        buffer->clear();
      }
      ended = !source->read(*buffer, std::max<std::size_t>(enough / 2, 1));
    }
  }
};

LineBlocks::LineBlocks(const std::filesystem::path& path, std::int64_t block_bytes) : state_(std::make_unique<State>()) {
  if (std::filesystem::is_directory(path)) throw DataError(path.string() + ": a folder; name the file itself (JSONL, .gz or .zst)");
  state_->file = std::make_shared<MappedFile>(path);
  state_->block_bytes = std::max<std::int64_t>(block_bytes, 1);
  const std::string_view text = state_->file->text();
  if (text.starts_with("PAR1")) throw DataError(path.string() + ": a Parquet file; convert it to JSONL (one JSON object per line), plain, .gz or .zst");
  if (text.starts_with("\x1f\x8b")) state_->source = std::make_unique<GzipSource>(state_->file->data(), text.size(), path.string());
  if (text.starts_with("\x28\xb5\x2f\xfd")) state_->source = std::make_unique<ZstdSource>(state_->file->data(), text.size(), path.string());
}

LineBlocks::~LineBlocks() = default;

std::optional<LineBlock> LineBlocks::next() { return state_->source ? state_->next_compressed() : state_->next_plain(); }

std::int64_t LineBlocks::file_bytes() const { return static_cast<std::int64_t>(state_->file->size()); }

std::int64_t LineBlocks::bytes_read() const { return state_->source ? state_->source->consumed() : static_cast<std::int64_t>(state_->position); }

void for_each_line(const LineBlock& block, const std::function<void(std::int64_t, std::string_view)>& visit) {
  std::string_view rest = block.text;
  if (block.first_line == 1 && rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  for (std::int64_t line = block.first_line; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    if (text.find_first_not_of(" \t\r") != std::string_view::npos) visit(line, text.substr(0, text.find_last_not_of('\r') + 1));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
}

}  // namespace phidias::data
