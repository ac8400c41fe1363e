// Groups of text and HTML files, each of which is a document; a group is one unit.
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/byte_source.h"
#include "data/line_blocks.h"
#include "data/pipeline/read/charset.h"
#include "data/pipeline/read/formats.h"
#include "data/pipeline/read/input_names.h"

namespace phidias::data::pipeline {
namespace {

std::string content_of(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::unique_ptr<ByteSource> source = open_bytes(file.text(), path.string());
  std::string bytes;
  while (source->read(bytes, std::size_t{1} << 20))
    if (static_cast<std::int64_t>(bytes.size()) > kMaxLineBytes)
      throw DataError(path.string() + ": more than " + std::to_string(kMaxLineBytes) + " bytes of text");
  return bytes;
}

class TextFilesUnit final : public Unit {
 public:
  explicit TextFilesUnit(std::shared_ptr<const InputFile> group) : group_(std::move(group)) {}

  bool next(Document& document, ReadProblems& problems) override {
    while (at_ < group_->members.size()) {
      const std::filesystem::path& path = group_->members[at_++];
      try {
        read(path, document);
        return true;
      } catch (const DataError& error) {
        problems.push_back({path.string(), 0, error.what()});
        document.clear();
      }
    }
    return false;
  }

 private:
  void read(const std::filesystem::path& path, Document& document) const {
    const std::string bytes = content_of(path);
    if (looks_binary(bytes)) throw DataError("not a text: the file holds binary data");
    DecodedText decoded = decode_text(bytes, {.declared = {}, .html = group_->format == InputFormat::html});
    document.file = path.string();
    document.line = 1;
    document.source = group_->source.source;
    document.id = document.source + "/" + input_name(*group_, path);
    if (!decoded.charset.empty()) document.annotations().set("charset", decoded.charset);
    document.set_text(std::move(decoded.text));
  }

  std::shared_ptr<const InputFile> group_;
  std::size_t at_ = 0;
};

class TextFilesReader final : public UnitReader {
 public:
  explicit TextFilesReader(const InputFile& group) : group_(std::make_shared<InputFile>(group)) {}
  bool advance() override { return ++index_ == 0; }
  std::int64_t index() const override { return index_; }
  double fraction() const override { return 1; }
  std::unique_ptr<Unit> take() override { return std::make_unique<TextFilesUnit>(group_); }

 private:
  std::shared_ptr<const InputFile> group_;
  std::int64_t index_ = -1;
};

}  // namespace

std::unique_ptr<UnitReader> open_text_files(const InputFile& group) { return std::make_unique<TextFilesReader>(group); }

}  // namespace phidias::data::pipeline
