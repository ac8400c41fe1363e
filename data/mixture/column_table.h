// What is known of each document of a token store beside its tokens: hashes of id and text, and the annotations that were asked for.
//
// One row per document of the store, in its order (the pieces of a split record repeat the record's row). A column holds numbers (float32, NaN where a document
// lacks the annotation; truth values are 0 and 1) or texts (codes into a dictionary, -1 where missing); the first value decides which.
//
// File (little endian, sections 8-byte aligned): header {magic "PHIDCOL1", counts, hash of the header}, meta (JSON: key, columns with their dictionaries), id
// hashes uint64, text hashes uint64, one float32 or int32 array per column, and the XXH3-128 of everything behind the header. Written atomically.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/hash.h"

namespace phidias::data::mixture {

// Nothing, a number, or a text.
using ColumnValue = std::variant<std::monostate, float, std::string>;

struct Column {
  enum class Type { unknown, number, text };  // unknown: no document has it
  std::string name;
  Type type = Type::unknown;
  std::vector<float> numbers;           // number
  std::vector<std::int32_t> codes;      // text
  std::vector<std::string> dictionary;  // text: by code, in the order of first occurrence
};

class ColumnTable {
 public:
  ColumnTable() = default;
  explicit ColumnTable(const std::vector<std::string>& names);
  // One document, `values` in the order of the names; `rows` times (its pieces). Throws DataError: a text in a column of numbers, or the other way round; more
  // than 4096 different texts.
  void add(std::uint64_t id, std::uint64_t text, const std::vector<ColumnValue>& values, std::int64_t rows = 1);
  // The rows of a table of the same names behind this one's.
  void append(const ColumnTable& other);

  std::int64_t documents() const { return static_cast<std::int64_t>(ids_.size()); }
  const std::vector<std::uint64_t>& ids() const { return ids_; }
  const std::vector<std::uint64_t>& texts() const { return texts_; }
  const std::vector<Column>& columns() const { return columns_; }
  const Column* find(std::string_view name) const;

  // `key` names what the table was made from and how. Returns the hash that the file ends with.
  Hash128 write(const std::filesystem::path& path, const std::string& key) const;

 private:
  friend struct ColumnFileReader;
  std::vector<std::uint64_t> ids_, texts_;
  std::vector<Column> columns_;
};

struct StoredColumns {
  ColumnTable table;
  std::string key;
  Hash128 content_hash;
};

// Throw DataError: not such a file, damaged. `where` names the bytes in messages.
StoredColumns read_columns(const std::filesystem::path& path);
StoredColumns parse_columns(std::string_view bytes, const std::string& where);

}  // namespace phidias::data::mixture
