// Any bytes as a table of annotations: a table, or DataError. The same bytes are tried as they are and with the hashes made right, so that what lies behind
// the hashes is reached.
//   clang: libFuzzer target column_table_fuzz; elsewhere tests/data/mixture/column_table_test.cpp calls the same function.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "data/mixture/column_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias;
  std::string file(reinterpret_cast<const char*>(bytes), size);
  const auto parse = [&] {
    try {
      const data::mixture::StoredColumns stored = data::mixture::parse_columns(file, "fuzz");
      for (const auto& column : stored.table.columns())
        if (column.type == data::mixture::Column::Type::text)
          for (const std::int32_t code : column.codes)
            if (code >= 0 && column.dictionary.at(static_cast<std::size_t>(code)).size() > size) std::abort();
    } catch (const DataError&) {
    }
  };
  parse();
  constexpr std::size_t kHeader = 48, kChecked = 32, kHash = sizeof(Hash128);
  if (size < kHeader + kHash) return 0;
  const std::uint64_t length = size;
  std::memcpy(file.data() + 24, &length, sizeof(length));
  const Hash128 header = hash_bytes(file.data(), kChecked), body = hash_bytes(file.data() + kHeader, size - kHeader - kHash);
  std::memcpy(file.data() + kChecked, &header, kHash);
  std::memcpy(file.data() + size - kHash, &body, kHash);
  parse();
  return 0;
}
