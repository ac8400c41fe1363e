// Values of Arrow arrays as JSON (data/parquet_plugin.h says how each type is written).
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>

namespace phidias::data {

void append_json_value(const arrow::Array& array, std::int64_t row, std::string& out);

}  // namespace phidias::data
