#include "data/parquet/json_values.h"

#include <arrow/api.h>
#include <arrow/util/utf8.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "data/parquet/status.h"
#include "data/pipeline/read/json_text.h"

namespace phidias::data {
namespace {

using arrow::internal::checked_cast;
using pipeline::append_json_number;
using pipeline::append_json_string;

template <class ArrayType>
void append_integer(const arrow::Array& array, std::int64_t row, std::string& out) {
  char digits[24];
  const auto written = std::to_chars(digits, digits + sizeof digits, static_cast<const ArrayType&>(array).Value(row));
  out.append(digits, written.ptr);
}

template <class ArrayType>
void append_string(const arrow::Array& array, std::int64_t row, std::string& out) {
  append_json_string(static_cast<const ArrayType&>(array).GetView(row), out);
}

// Bytes that are no UTF-8 as hexadecimal digits.
template <class ArrayType>
void append_binary(const arrow::Array& array, std::int64_t row, std::string& out) {
  static const bool ready = (arrow::util::InitializeUTF8(), true);
  const std::string_view bytes = static_cast<const ArrayType&>(array).GetView(row);
  if (ready && arrow::util::ValidateUTF8(bytes)) return append_json_string(bytes, out);
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char byte : bytes) {
    out += kDigits[static_cast<unsigned char>(byte) >> 4];
    out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  out += '"';
}

void append_float(float value, std::string& out) {
  if (!std::isfinite(value) || std::abs(value) >= 16777216.0F) return append_json_number(value, out);
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, written.ptr);
}

std::int64_t per_second(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      break;
  }
  return 1'000'000'000;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) { return value / divisor - (value % divisor < 0 ? 1 : 0); }

std::string date_text(std::int64_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

// `value` units of 1 / scale seconds after midnight, with as many decimals as the unit has.
std::string time_text(std::int64_t value, std::int64_t scale) {
  const std::int64_t seconds = value / scale;
  char text[64];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  std::string whole = text;
  if (scale > 1) {
    std::string fraction = std::to_string(scale + value % scale);
    fraction[0] = '.';
    whole += fraction;
  }
  return whole;
}

std::string timestamp_text(const arrow::TimestampArray& array, std::int64_t row) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  const std::int64_t scale = per_second(type.unit()), day = 86'400 * scale, days = floor_divide(array.Value(row), day);
  return date_text(days) + "T" + time_text(array.Value(row) - days * day, scale) + (type.timezone().empty() ? "" : "Z");
}

void append_list(const arrow::Array& values, std::int64_t begin, std::int64_t end, std::string& out) {
  out += '[';
  for (std::int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    append_json_value(values, i, out);
  }
  out += ']';
}

template <class ArrayType>
void append_list(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto& list = static_cast<const ArrayType&>(array);
  append_list(*list.values(), list.value_offset(row), list.value_offset(row) + list.value_length(row), out);
}

void append_map(const arrow::MapArray& map, std::int64_t row, std::string& out) {
  out += '[';
  for (std::int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    out += i > map.value_offset(row) ? ",{\"key\":" : "{\"key\":";
    append_json_value(*map.keys(), i, out);
    out += ",\"value\":";
    append_json_value(*map.items(), i, out);
    out += '}';
  }
  out += ']';
}

void append_struct(const arrow::StructArray& array, std::int64_t row, std::string& out) {
  out += '{';
  for (int i = 0; i < array.num_fields(); ++i) {
    if (i > 0) out += ',';
    append_json_string(array.struct_type()->field(i)->name(), out);
    out += ':';
    append_json_value(*array.field(i), row, out);
  }
  out += '}';
}

}  // namespace

void append_json_value(const arrow::Array& array, std::int64_t row, std::string& out) {
  using arrow::Type;
  if (array.IsNull(row)) {
    out += "null";
    return;
  }
  switch (array.type_id()) {
    case Type::BOOL:
      out += static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
      return;
    case Type::INT8:
      return append_integer<arrow::Int8Array>(array, row, out);
    case Type::INT16:
      return append_integer<arrow::Int16Array>(array, row, out);
    case Type::INT32:
      return append_integer<arrow::Int32Array>(array, row, out);
    case Type::INT64:
      return append_integer<arrow::Int64Array>(array, row, out);
    case Type::UINT8:
      return append_integer<arrow::UInt8Array>(array, row, out);
    case Type::UINT16:
      return append_integer<arrow::UInt16Array>(array, row, out);
    case Type::UINT32:
      return append_integer<arrow::UInt32Array>(array, row, out);
    case Type::UINT64:
      return append_integer<arrow::UInt64Array>(array, row, out);
    case Type::DURATION:
      return append_integer<arrow::DurationArray>(array, row, out);
    case Type::FLOAT:
      return append_float(static_cast<const arrow::FloatArray&>(array).Value(row), out);
    case Type::DOUBLE:
      return append_json_number(static_cast<const arrow::DoubleArray&>(array).Value(row), out);
    case Type::STRING:
      return append_string<arrow::StringArray>(array, row, out);
    case Type::LARGE_STRING:
      return append_string<arrow::LargeStringArray>(array, row, out);
    case Type::STRING_VIEW:
      return append_string<arrow::StringViewArray>(array, row, out);
    case Type::BINARY:
      return append_binary<arrow::BinaryArray>(array, row, out);
    case Type::LARGE_BINARY:
      return append_binary<arrow::LargeBinaryArray>(array, row, out);
    case Type::BINARY_VIEW:
      return append_binary<arrow::BinaryViewArray>(array, row, out);
    case Type::FIXED_SIZE_BINARY:
      return append_binary<arrow::FixedSizeBinaryArray>(array, row, out);
    case Type::DATE32:
      return append_json_string(date_text(static_cast<const arrow::Date32Array&>(array).Value(row)), out);
    case Type::DATE64:
      return append_json_string(date_text(floor_divide(static_cast<const arrow::Date64Array&>(array).Value(row), 86'400'000)), out);
    case Type::TIMESTAMP:
      return append_json_string(timestamp_text(static_cast<const arrow::TimestampArray&>(array), row), out);
    case Type::TIME32: {
      const std::int64_t scale = per_second(static_cast<const arrow::Time32Type&>(*array.type()).unit());
      return append_json_string(time_text(static_cast<const arrow::Time32Array&>(array).Value(row), scale), out);
    }
    case Type::TIME64: {
      const std::int64_t scale = per_second(static_cast<const arrow::Time64Type&>(*array.type()).unit());
      return append_json_string(time_text(static_cast<const arrow::Time64Array&>(array).Value(row), scale), out);
    }
    case Type::LIST:
      return append_list<arrow::ListArray>(array, row, out);
    case Type::LARGE_LIST:
      return append_list<arrow::LargeListArray>(array, row, out);
    case Type::FIXED_SIZE_LIST:
      return append_list<arrow::FixedSizeListArray>(array, row, out);
    case Type::MAP:
      return append_map(static_cast<const arrow::MapArray&>(array), row, out);
    case Type::STRUCT:
      return append_struct(static_cast<const arrow::StructArray&>(array), row, out);
    case Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return append_json_value(*dictionary.dictionary(), dictionary.GetValueIndex(row), out);
    }
    case Type::EXTENSION:
      return append_json_value(*static_cast<const arrow::ExtensionArray&>(array).storage(), row, out);
    default:
      return append_json_string(check(array.GetScalar(row), array.type()->ToString())->ToString(), out);  // decimals, half floats, intervals
  }
}

}  // namespace phidias::data
