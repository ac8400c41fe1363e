#include "data/parquet/writer.h"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <utility>

#include "data/parquet/status.h"
#include "data/parquet/table.h"

namespace phidias::data {
namespace {

constexpr char kWhere[] = "writing Parquet";
constexpr std::int64_t kRowGroupBytes = 16 << 20;  // of text: what a reader takes at a time

// Bytes handed on as they come.
class Sink final : public arrow::io::OutputStream {
 public:
  explicit Sink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Write(const void* data, std::int64_t size) override {
    write_({static_cast<const char*>(data), static_cast<std::size_t>(size)});
    position_ += size;
    return arrow::Status::OK();
  }

 private:
  std::function<void(std::string_view)> write_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

std::shared_ptr<arrow::Schema> documents_schema() {
  const auto text = [](const char* name, bool nullable) { return arrow::field(name, arrow::utf8(), nullable); };
  return arrow::schema({text("id", false), text("text", true), text("url", true), text("source", false), arrow::field("kept", arrow::boolean(), false),
                        text("reason", true), text("annotations", true), text("fields", true)},
                       arrow::key_value_metadata({kDocumentsKey}, {"1"}));
}

class Writer final : public ParquetWriter {
 public:
  Writer(std::function<void(std::string_view)> write, int level) : sink_(std::make_shared<Sink>(std::move(write))), schema_(documents_schema()) {
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)->compression_level(level)->disable_dictionary();
    for (const char* repetitive : {"source", "reason"}) properties.enable_dictionary(repetitive);
    parquet::ArrowWriterProperties::Builder arrow_properties;
    writer_ = check(parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), sink_, properties.build(), arrow_properties.build()), kWhere);
    check(writer_->AddKeyValueMetadata(schema_->metadata()), kWhere);
  }

  void add(const ParquetDocument& document) override {
    guarded(kWhere, [&] {
      append(id_, document.id);
      append(text_, document.text);
      append(url_, document.url);
      append(source_, document.source);
      check(kept_.Append(document.kept), kWhere);
      append(reason_, document.reason);
      append(annotations_, document.annotations);
      append(fields_, document.fields);
      if (bytes_ >= kRowGroupBytes) flush();
    });
  }

  void finish() override {
    guarded(kWhere, [&] {
      flush();
      check(writer_->Close(), kWhere);
    });
  }

 private:
  void append(arrow::StringBuilder& column, const std::optional<std::string_view>& value) {
    check(value ? column.Append(*value) : column.AppendNull(), kWhere);
    bytes_ += value ? static_cast<std::int64_t>(value->size()) : 0;
  }

  void flush() {
    const std::int64_t rows = id_.length();
    if (rows == 0) return;
    arrow::ArrayVector columns;
    for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{&id_, &text_, &url_, &source_, &kept_, &reason_, &annotations_, &fields_})
      columns.push_back(check(builder->Finish(), kWhere));
    check(writer_->WriteTable(*arrow::Table::Make(schema_, columns, rows), rows), kWhere);
    bytes_ = 0;
  }

  std::shared_ptr<Sink> sink_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  arrow::StringBuilder id_, text_, url_, source_, reason_, annotations_, fields_;
  arrow::BooleanBuilder kept_;
  std::int64_t bytes_ = 0;  // not yet written
};

}  // namespace

std::unique_ptr<ParquetWriter> create_parquet_writer(std::function<void(std::string_view)> write, int level) {
  return guarded(kWhere, [&] { return std::make_unique<Writer>(std::move(write), level); });
}

}  // namespace phidias::data
