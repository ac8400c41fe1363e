#include "data/parquet/table.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>

#include "data/parquet/json_values.h"
#include "data/parquet/status.h"
#include "data/pipeline/read/json_text.h"

namespace phidias::data {
namespace {

class Table final : public ParquetTable {
 public:
  explicit Table(const std::string& path) : path_(path) {
    auto file = check(arrow::io::MemoryMappedFile::Open(path, arrow::io::FileMode::READ), path);
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(std::move(file)), path);
    check(builder.Build(&reader_), path);
    check(reader_->GetSchema(&schema_), path);
    const auto metadata = reader_->parquet_reader()->metadata();
    for (int i = 0; i < metadata->num_row_groups(); ++i) groups_.push_back({metadata->RowGroup(i)->num_rows(), metadata->RowGroup(i)->total_byte_size()});
    holds_documents_ = metadata->key_value_metadata() != nullptr && metadata->key_value_metadata()->Contains(kDocumentsKey);
    for (const auto& field : schema_->fields()) {
      keys_.emplace_back();
      pipeline::append_json_string(field->name(), keys_.back());
      keys_.back() += ':';
    }
  }

  const std::vector<RowGroup>& row_groups() const override { return groups_; }
  std::vector<std::string> columns() const override { return schema_->field_names(); }

  std::optional<std::string> type_of(const std::string& column) const override {
    if (const auto field = schema_->GetFieldByName(column)) return describe(*field->type());
    const arrow::FieldVector* fields = &schema_->fields();
    for (std::size_t begin = 0;;) {
      const std::size_t dot = column.find('.', begin);
      const std::string name = column.substr(begin, dot - begin);
      const auto field = std::find_if(fields->begin(), fields->end(), [&](const auto& candidate) { return candidate->name() == name; });
      if (field == fields->end()) return std::nullopt;
      if (dot == std::string::npos) return describe(*(*field)->type());
      fields = &(*field)->type()->fields();
      begin = dot + 1;
    }
  }

  void append_lines(std::int64_t first_row, std::int64_t rows, std::string& out) override {
    guarded(path_, [&] {
      for (seek(first_row); rows > 0; rows -= append_from_batch(rows, out))
        if (!more()) throw DataError(path_ + ": the file has fewer rows than its footer says");
    });
  }

 private:
  static std::string describe(const arrow::DataType& type) {
    return type.id() == arrow::Type::DICTIONARY ? static_cast<const arrow::DictionaryType&>(type).value_type()->ToString() : type.ToString();
  }

  // Makes `row` the next one to be read.
  void seek(std::int64_t row) {
    std::int64_t begin = 0;
    int group = 0;
    while (group < static_cast<int>(groups_.size()) && row >= begin + groups_[group].rows) begin += groups_[group++].rows;
    if (group != group_ || row < next_row_ || !batches_) open_group(group, begin);
    while (next_row_ < row && more()) {
      const std::int64_t step = std::min(row - next_row_, batch_->num_rows() - at_);
      at_ += step;
      next_row_ += step;
    }
  }

  void open_group(int group, std::int64_t first_row) {
    constexpr std::int64_t kBatchBytes = 4 << 20, kMostRows = 4096;
    group_ = group;
    next_row_ = first_row;
    at_ = 0;
    batch_.reset();
    batches_.reset();
    if (group >= static_cast<int>(groups_.size())) return;
    const RowGroup& size = groups_[group];
    reader_->set_batch_size(std::clamp<std::int64_t>(size.rows * kBatchBytes / std::max<std::int64_t>(size.bytes, 1), 1, kMostRows));
    batches_ = check(reader_->GetRecordBatchReader(std::vector<int>{group}), path_);
  }

  // Whether there is a row; goes on to the next batch or row group.
  bool more() {
    while (!batch_ || at_ == batch_->num_rows()) {
      if (!batches_) return false;
      at_ = 0;
      check(batches_->ReadNext(&batch_), path_);
      if (!batch_) open_group(group_ + 1, next_row_);
    }
    return true;
  }

  std::int64_t append_from_batch(std::int64_t rows, std::string& out) {
    const std::int64_t count = std::min(rows, batch_->num_rows() - at_);
    for (std::int64_t i = 0; i < count; ++i) append_row(at_ + i, out);
    at_ += count;
    next_row_ += count;
    return count;
  }

  void append_row(std::int64_t row, std::string& out) const {
    out += '{';
    for (int column = 0; column < batch_->num_columns(); ++column) {
      const arrow::Array& values = *batch_->column(column);
      if (holds_documents_ && append_documents_column(schema_->field(column)->name(), values, row, out)) continue;
      out += keys_[static_cast<std::size_t>(column)];
      append_json_value(values, row, out);
      out += ',';
    }
    if (out.back() == ',') out.pop_back();
    out += "}\n";
  }

  // Columns of ParquetWriter that are not plain members; a missing value is no member.
  static bool append_documents_column(const std::string& name, const arrow::Array& values, std::int64_t row, std::string& out) {
    if (values.IsNull(row)) return true;
    if (values.type_id() != arrow::Type::STRING || (name != "annotations" && name != "fields")) return false;
    std::string_view json = static_cast<const arrow::StringArray&>(values).GetView(row);
    if (name == "annotations") {
      ((out += "\"annotations\":") += json) += ',';
    } else if (json.size() > 2) {
      (out += json.substr(1, json.size() - 2)) += ',';
    }
    return true;
  }

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<RowGroup> groups_;
  std::vector<std::string> keys_;  // "\"name\":"
  bool holds_documents_ = false;
  // Where reading stands: row at_ of batch_ is row next_row_ of the file.
  int group_ = -1;
  std::int64_t next_row_ = 0, at_ = 0;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
};

}  // namespace

std::unique_ptr<ParquetTable> open_parquet_table(const std::string& path) {
  return guarded(path, [&] { return std::make_unique<Table>(path); });
}

}  // namespace phidias::data
