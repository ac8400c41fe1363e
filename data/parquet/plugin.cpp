// The plug-in's two doors (data/parquet_plugin.cpp looks for them by name).
#include "data/parquet/table.h"
#include "data/parquet/writer.h"

namespace phidias::data {
namespace {

class Plugin final : public ParquetPlugin {
 public:
  std::unique_ptr<ParquetTable> open(const std::string& path) const override { return open_parquet_table(path); }
  std::unique_ptr<ParquetWriter> create(std::function<void(std::string_view)> write, int level) const override {
    return create_parquet_writer(std::move(write), level);
  }
};

}  // namespace
}  // namespace phidias::data

extern "C" __attribute__((visibility("default"))) int phidias_parquet_interface() { return phidias::data::kParquetInterface; }

extern "C" __attribute__((visibility("default"))) const phidias::data::ParquetPlugin* phidias_parquet_plugin() {
  static const phidias::data::Plugin plugin;
  return &plugin;
}
