#include "data/byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace phidias::data {
namespace {

class GzipSource final : public ByteSource {
 public:
  GzipSource(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)), total_(bytes.size()) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    left_ = total_;
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
        member_begin_ = static_cast<std::size_t>(consumed());
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END)
        ended_ = true;
      else if (result != Z_OK) {
        out.resize(out.size() - stream_.avail_out);
        throw DataError(name_ + ": damaged gzip stream (" + (stream_.msg ? stream_.msg : "unknown") + ")");
      }
    }
    out.resize(out.size() - stream_.avail_out);
    if (out.size() == before && !ended_ && total_ > 0) throw DataError(name_ + ": the gzip stream ends early; the file is truncated");
    return out.size() > before;
  }
  std::int64_t consumed() const override { return static_cast<std::int64_t>(total_ - left_ - stream_.avail_in); }
  bool skip_damage() override {
    const std::size_t next = bytes_.find("\x1f\x8b\x08", member_begin_ + 1);
    if (next == std::string_view::npos) return false;
    member_begin_ = next;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data() + next));
    stream_.avail_in = 0;
    left_ = total_ - next;
    ended_ = false;
    inflateReset(&stream_);
    return true;
  }

 private:
  std::string_view bytes_;
  std::string name_;
  z_stream stream_{};
  std::size_t total_, left_ = 0, member_begin_ = 0;
  bool ended_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(std::string_view bytes, std::string name)
      : name_(std::move(name)), in_{bytes.data(), bytes.size(), 0}, stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {}
  bool read(std::string& out, std::size_t size) override {
    const std::size_t before = out.size();
    out.resize(before + size);
    ZSTD_outBuffer buffer{out.data() + before, size, 0};
    while (buffer.pos < size) {
      const std::size_t in_before = in_.pos, out_before = buffer.pos;
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &buffer, &in_);
      const bool stands_still = in_.pos == in_before && buffer.pos == out_before;
      if (ZSTD_isError(result) || (stands_still && pending_ != 0 && in_.size > 0)) {
        out.resize(before + buffer.pos);
        if (!ZSTD_isError(result)) throw DataError(name_ + ": the zstd stream ends early; the file is truncated");
        throw DataError(name_ + ": damaged zstd stream (" + ZSTD_getErrorName(result) + ")");
      }
      if (stands_still) break;
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

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::string_view bytes) : bytes_(bytes) {}
  bool read(std::string& out, std::size_t size) override {
    const std::string_view piece = bytes_.substr(at_, size);
    out += piece;
    at_ += piece.size();
    return !piece.empty();
  }
  std::int64_t consumed() const override { return static_cast<std::int64_t>(at_); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> open_compressed(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\x1f\x8b")) return std::make_unique<GzipSource>(bytes, name);
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return std::make_unique<ZstdSource>(bytes, name);
  return nullptr;
}

std::unique_ptr<ByteSource> open_bytes(std::string_view bytes, const std::string& name) {
  std::unique_ptr<ByteSource> source = open_compressed(bytes, name);
  return source ? std::move(source) : std::make_unique<PlainSource>(bytes);
}

}  // namespace phidias::data
