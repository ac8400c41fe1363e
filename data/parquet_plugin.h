// Parquet, reached without linking Arrow.
//
// Everything of Arrow lives in the plug-in libphidias_parquet.so beside the program (data/parquet/). It is loaded when the first Parquet file is opened, so
// that a program which reads none never loads Arrow, and a build without Arrow lacks only this format.
//
//   auto table = parquet_plugin(path).open(path);
//   std::string lines;
//   table->append_lines(0, 1000, lines);          // the first thousand rows, a line of JSON each
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data {

// The rows of a file as lines of JSON: an object per row with a member per column. Numbers, truth values, strings, lists and structures are JSON's own; times
// are ISO 8601 text (with Z when the column has a time zone), decimals text, maps lists of {"key", "value"}, missing values null. In a file that ParquetWriter
// wrote, the columns annotations and fields, which hold JSON, are members again.
class ParquetTable {
 public:
  virtual ~ParquetTable() = default;
  struct RowGroup {
    std::int64_t rows = 0, bytes = 0;  // uncompressed
  };
  virtual const std::vector<RowGroup>& row_groups() const = 0;
  virtual std::vector<std::string> columns() const = 0;
  // The type of a column ("string", "int64"); a dot leads into a structure unless it is part of a column's name. Nothing when there is none.
  virtual std::optional<std::string> type_of(const std::string& column) const = 0;
  // Appends rows [first_row, first_row + rows). Forward in the file is cheap; whole row groups are passed over unread. Throws DataError naming the file.
  virtual void append_lines(std::int64_t first_row, std::int64_t rows, std::string& out) = 0;
};

struct RowRange {
  std::int64_t first = 0, rows = 0;
};
// The rows in ranges of about `bytes` uncompressed bytes: small row groups together, large ones divided. Covers all rows, in order.
std::vector<RowRange> row_ranges(const std::vector<ParquetTable::RowGroup>& groups, std::int64_t bytes);

// A document's columns. A member without a value is a missing value in the file.
struct ParquetDocument {
  std::string_view id, source;
  std::optional<std::string_view> text, url, reason;
  std::optional<std::string_view> annotations, fields;  // JSON objects
  bool kept = true;
};

class ParquetWriter {
 public:
  virtual ~ParquetWriter() = default;
  virtual void add(const ParquetDocument& document) = 0;
  virtual void finish() = 0;
};

class ParquetPlugin {
 public:
  virtual ~ParquetPlugin() = default;
  // Throws DataError naming the file: not there, damaged, encrypted.
  virtual std::unique_ptr<ParquetTable> open(const std::string& path) const = 0;
  // Compressed with zstd; the same documents give the same bytes. `write` receives them in order; what it throws goes through.
  virtual std::unique_ptr<ParquetWriter> create(std::function<void(std::string_view)> write, int level) const = 0;
};

// Raised with every change of the classes above; a plug-in with another number is refused.
inline constexpr int kParquetInterface = 1;

// Throws DataError that names `file`, for which it is wanted, and says what is missing when this build has no plug-in or it does not load.
const ParquetPlugin& parquet_plugin(const std::string& file);

}  // namespace phidias::data
