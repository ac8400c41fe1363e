#include <utility>

#include "base/atomic_file.h"
#include "data/parquet_plugin.h"
#include "data/pipeline/read/document_output.h"

namespace phidias::data::pipeline {
namespace {

class Shard final : public ParquetShard {
 public:
  Shard(const std::filesystem::path& path, const LineContent& content, int level)
      : content_(content), file_(path), writer_(parquet_plugin(path.string()).create([this](std::string_view bytes) { file_.write(bytes); }, level)) {}

  void add(const Document& document) override {
    ParquetDocument row{.id = document.id, .source = document.source, .kept = !document.dropped()};
    if (document.dropped()) row.reason = document.reason();
    if (content_.text) {
      row.text = document.text();
      if (!document.url.empty()) row.url = document.url;
      if (!document.fields.empty()) row.fields = fields_ = "{" + document.fields + "}";
    }
    if (content_.annotations && document.annotations().size() > 0) {
      annotations_.clear();
      append_annotations(document.annotations(), annotations_);
      row.annotations = annotations_;
    }
    writer_->add(row);
  }

  void finish() override {
    writer_->finish();
    file_.commit();
  }

 private:
  LineContent content_;
  AtomicFile file_;
  std::unique_ptr<ParquetWriter> writer_;
  std::string fields_, annotations_;
};

}  // namespace

std::unique_ptr<ParquetShard> ParquetShard::create(const std::filesystem::path& path, const LineContent& content, int level) {
  return std::make_unique<Shard>(path, content, level);
}

}  // namespace phidias::data::pipeline
