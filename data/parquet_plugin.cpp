#include "data/parquet_plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace phidias::data {
namespace {

struct Loaded {
  const ParquetPlugin* plugin = nullptr;
  std::string reason;
};

Loaded load() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "libphidias_parquet.so";
  if (!std::filesystem::exists(path, error))
    return {nullptr, "this build cannot read or write Parquet: " + path.string() + " is missing (run scripts/setup.sh, which fetches Arrow), or use JSONL"};
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, "the Parquet plug-in does not load: " + std::string(dlerror())};
  auto* interface_number = reinterpret_cast<int (*)()>(dlsym(library, "phidias_parquet_interface"));
  auto* plugin = reinterpret_cast<const ParquetPlugin* (*)()>(dlsym(library, "phidias_parquet_plugin"));
  if (interface_number == nullptr || plugin == nullptr || interface_number() != kParquetInterface)
    return {nullptr, path.string() + " belongs to another build of the program"};
  return {plugin(), ""};
}

}  // namespace

std::vector<RowRange> row_ranges(const std::vector<ParquetTable::RowGroup>& groups, std::int64_t bytes) {
  std::vector<RowRange> ranges;
  std::int64_t first = 0, open_bytes = 0;  // of the last range, while small groups may join it; 0: none
  for (const ParquetTable::RowGroup& group : groups) {
    const std::int64_t parts = std::clamp<std::int64_t>(group.bytes / std::max<std::int64_t>(bytes, 1), 1, std::max<std::int64_t>(group.rows, 1));
    if (parts == 1 && open_bytes > 0) {
      ranges.back().rows += group.rows;
    } else {
      for (std::int64_t part = 0; part < parts && group.rows > 0; ++part) {
        const std::int64_t begin = group.rows * part / parts, end = group.rows * (part + 1) / parts;
        ranges.push_back({first + begin, end - begin});
      }
    }
    open_bytes = parts == 1 && group.rows > 0 ? open_bytes + std::max<std::int64_t>(group.bytes, 1) : parts == 1 ? open_bytes : 0;
    if (open_bytes >= bytes) open_bytes = 0;
    first += group.rows;
  }
  return ranges;
}

const ParquetPlugin& parquet_plugin(const std::string& file) {
  static const Loaded loaded = load();
  if (loaded.plugin == nullptr) throw DataError(file + ": " + loaded.reason);
  return *loaded.plugin;
}

}  // namespace phidias::data
