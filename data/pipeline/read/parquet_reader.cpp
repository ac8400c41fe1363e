// Parquet: rows as lines of JSON, read like those. A unit is some row groups, or a part of a large one; only units that are taken are decoded.
#include <utility>

#include "base/error.h"
#include "data/parquet_plugin.h"
#include "data/pipeline/read/formats.h"

namespace phidias::data::pipeline {
namespace {

class ParquetReader final : public UnitReader {
 public:
  ParquetReader(const InputFile& file, std::int64_t unit_bytes)
      : file_(std::make_shared<InputFile>(file)),
        table_(parquet_plugin(file.path.string()).open(file.path.string())),
        ranges_(row_ranges(table_->row_groups(), unit_bytes)) {
    const std::optional<std::string> type = table_->type_of(file.source.text_field);
    if (!type) refuse("there is no column '" + file.source.text_field + "'; its columns are " + column_names());
    if (type->find("string") == std::string::npos && type->find("binary") == std::string::npos)
      refuse("the column '" + file.source.text_field + "' holds " + *type + ", not text");
  }

  bool advance() override { return ++index_ < static_cast<std::int64_t>(ranges_.size()); }
  std::int64_t index() const override { return index_; }
  std::unique_ptr<Unit> take() override {
    const RowRange& range = ranges_[static_cast<std::size_t>(index_)];
    auto lines = std::make_shared<std::string>();
    table_->append_lines(range.first, range.rows, *lines);
    return json_unit(file_, {.index = index_, .first_line = range.first + 1, .owner = lines, .text = *lines});
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw DataError(file_->path.string() + ": " + what + " (the source's text_field names the column of texts)");
  }
  std::string column_names() const {
    std::string list;
    for (const std::string& name : table_->columns()) list += (list.empty() ? "" : ", ") + name;
    return list;
  }

  std::shared_ptr<const InputFile> file_;
  std::unique_ptr<ParquetTable> table_;
  std::vector<RowRange> ranges_;
  std::int64_t index_ = -1;
};

}  // namespace

std::unique_ptr<UnitReader> open_parquet(const InputFile& file, std::int64_t unit_bytes) { return std::make_unique<ParquetReader>(file, unit_bytes); }

}  // namespace phidias::data::pipeline
