// A Parquet file as lines of JSON; the contract is ParquetTable's (data/parquet_plugin.h).
#pragma once

#include <memory>
#include <string>

#include "data/parquet_plugin.h"

namespace phidias::data {

// Key of the file's metadata that tells ParquetWriter's files: their columns annotations and fields hold JSON.
inline constexpr char kDocumentsKey[] = "phidias.documents";

std::unique_ptr<ParquetTable> open_parquet_table(const std::string& path);

}  // namespace phidias::data
