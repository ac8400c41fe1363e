// Documents as a Parquet file; the contract is ParquetWriter's (data/parquet_plugin.h).
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "data/parquet_plugin.h"

namespace phidias::data {

std::unique_ptr<ParquetWriter> create_parquet_writer(std::function<void(std::string_view)> write, int level);

}  // namespace phidias::data
