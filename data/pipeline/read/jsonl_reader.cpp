#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "data/line_blocks.h"
#include "data/pipeline/read/formats.h"
#include "data/pipeline/read/json_document.h"

namespace phidias::data::pipeline {
namespace {

std::string too_long(std::int64_t bytes) {
  return "the line has " + format_bytes(static_cast<double>(bytes)) + " or more; the limit is " + format_bytes(static_cast<double>(kMaxLineBytes));
}

class JsonUnit final : public Unit {
 public:
  JsonUnit(std::shared_ptr<const InputFile> file, LineBlock block) : file_(std::move(file)), block_(std::move(block)), lines_(block_), documents_(*file_) {}

  bool next(Document& document, ReadProblems& problems) override {
    if (block_.oversized_bytes > 0) {
      fail(block_.first_line, too_long(std::exchange(block_.oversized_bytes, 0)), problems);
      return false;  // the line is all there is
    }
    std::int64_t line = 0;
    std::string_view text;
    while (lines_.next(line, text)) {
      if (static_cast<std::int64_t>(text.size()) > kMaxLineBytes) {
        fail(line, too_long(static_cast<std::int64_t>(text.size())), problems);
        continue;
      }
      try {
        documents_.parse(text, static_cast<std::size_t>(block_.text.data() + block_.text.size() - text.data()), line, document);
        return true;
      } catch (const DataError& error) {
        fail(line, error.what(), problems);
        document.clear();
      }
    }
    return false;
  }

 private:
  void fail(std::int64_t line, std::string what, ReadProblems& problems) const { problems.push_back({file_->path.string(), line, std::move(what)}); }

  std::shared_ptr<const InputFile> file_;
  LineBlock block_;
  LineCursor lines_;
  JsonDocuments documents_;
};

}  // namespace

std::unique_ptr<Unit> json_unit(std::shared_ptr<const InputFile> file, LineBlock block) {
  return std::make_unique<JsonUnit>(std::move(file), std::move(block));
}

namespace {

class JsonlReader final : public UnitReader {
 public:
  JsonlReader(const InputFile& file, std::int64_t unit_bytes) : file_(std::make_shared<InputFile>(file)), blocks_(file.path, unit_bytes) {}
  bool advance() override {
    block_ = blocks_.next();
    if (block_) next_line_ = block_->first_line + std::max<std::int64_t>(std::count(block_->text.begin(), block_->text.end(), '\n'), 1);
    return block_.has_value();
  }
  std::int64_t index() const override { return block_->index; }
  std::int64_t next_line() const override { return next_line_; }
  double fraction() const override { return static_cast<double>(blocks_.bytes_read()) / static_cast<double>(std::max<std::int64_t>(blocks_.file_bytes(), 1)); }
  std::unique_ptr<Unit> take() override { return json_unit(file_, std::move(*block_)); }

 private:
  std::shared_ptr<const InputFile> file_;
  LineBlocks blocks_;
  std::optional<LineBlock> block_;
  std::int64_t next_line_ = 1;
};

}  // namespace

std::unique_ptr<UnitReader> open_jsonl(const InputFile& file, std::int64_t unit_bytes) { return std::make_unique<JsonlReader>(file, unit_bytes); }

}  // namespace phidias::data::pipeline
