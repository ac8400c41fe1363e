#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "models/hub/safetensors.h"

namespace phidias::models {

namespace {

constexpr std::uint64_t kSizeBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the package's own limit

// In the order of the package's Dtype enumeration, which decides the order of tensors in a file.
constexpr std::pair<const char*, at::ScalarType> kDtypes[] = {
    {"BOOL", at::ScalarType::Bool},
    {"U8", at::ScalarType::Byte},
    {"I8", at::ScalarType::Char},
    {"F8_E5M2", at::ScalarType::Float8_e5m2},
    {"F8_E4M3", at::ScalarType::Float8_e4m3fn},
    {"I16", at::ScalarType::Short},
    {"F16", at::ScalarType::Half},
    {"BF16", at::ScalarType::BFloat16},
    {"I32", at::ScalarType::Int},
    {"F32", at::ScalarType::Float},
    {"F64", at::ScalarType::Double},
    {"I64", at::ScalarType::Long},
};

[[noreturn]] void fail(std::string_view where, const std::string& problem) { throw CheckpointError(std::string(where) + ": " + problem); }

[[noreturn]] void fail_tensor(std::string_view where, const std::string& name, const std::string& problem) {
  fail(where, "tensor \"" + name + "\": " + problem);
}

std::uint64_t natural(const Json& value, std::string_view where, const std::string& name, const char* field) {
  // Numbers such as 3.0 or -1 are not sizes.
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail_tensor(where, name, std::string(field) + " holds " + value.dump().substr(0, 40) + ", not a natural number");
  }
  return value.get<std::uint64_t>();
}

const Json& member(const Json& object, const char* key, std::string_view where, const std::string& name) {
  const auto found = object.find(key);
  if (found == object.end()) fail_tensor(where, name, std::string("the field \"") + key + "\" is missing");
  return *found;
}

// Bytes of the tensor, refusing products that do not fit in 63 bits.
std::uint64_t byte_count(const TensorEntry& entry, std::string_view where) {
  std::uint64_t bytes = c10::elementSize(entry.dtype);
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (const std::int64_t size : entry.shape) {
    if (size == 0) return 0;
    if (bytes > kLargest / static_cast<std::uint64_t>(size)) fail_tensor(where, entry.name, "its shape is larger than any memory");
    bytes *= static_cast<std::uint64_t>(size);
  }
  return bytes;
}

TensorEntry parse_entry(const std::string& name, const Json& value, std::string_view where) {
  if (!value.is_object()) fail_tensor(where, name, "its entry is not an object");
  TensorEntry entry;
  entry.name = name;
  for (const auto& [key, ignored] : value.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") fail_tensor(where, name, "unknown field \"" + key.substr(0, 40) + "\"");
  }
  const Json& dtype = member(value, "dtype", where, name);
  if (dtype.is_string()) entry.dtype = safetensors_dtype_from_name(dtype.get_ref<const std::string&>());
  if (entry.dtype == at::ScalarType::Undefined)
    fail_tensor(where, name, "unknown dtype " + dtype.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40));

  const Json& shape = member(value, "shape", where, name);
  if (!shape.is_array() || shape.size() > 64) fail_tensor(where, name, "\"shape\" is not a list of sizes");
  for (const Json& size : shape) entry.shape.push_back(static_cast<std::int64_t>(natural(size, where, name, "\"shape\"")));

  const Json& offsets = member(value, "data_offsets", where, name);
  if (!offsets.is_array() || offsets.size() != 2) fail_tensor(where, name, "\"data_offsets\" is not a pair");
  entry.begin = natural(offsets[0], where, name, "\"data_offsets\"");
  entry.end = natural(offsets[1], where, name, "\"data_offsets\"");
  if (entry.begin > entry.end) fail_tensor(where, name, "\"data_offsets\" ends before it begins");
  const std::uint64_t expected = byte_count(entry, where);
  if (entry.end - entry.begin != expected) {
    fail_tensor(where, name, "dtype and shape need " + std::to_string(expected) + " bytes, \"data_offsets\" spans " + std::to_string(entry.end - entry.begin));
  }
  return entry;
}

void parse_metadata(const Json& value, std::string_view where, std::map<std::string, std::string>& metadata) {
  if (!value.is_object()) fail(where, "\"__metadata__\" is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) fail(where, "\"__metadata__\" holds something that is not text under \"" + key.substr(0, 40) + "\"");
    metadata[key] = text.get<std::string>();
  }
}

Json parse_json_header(std::string_view text, std::string_view where) {
  try {
    return parse_json(text, std::string(where) + " (header)");
  } catch (const DataError& error) {
    throw CheckpointError(error.what());
  }
}

}  // namespace

const char* safetensors_dtype_name(at::ScalarType dtype) {
  for (const auto& [name, known] : kDtypes) {
    if (known == dtype) return name;
  }
  throw CheckpointError(std::string("safetensors files do not hold the type ") + c10::toString(dtype));
}

at::ScalarType safetensors_dtype_from_name(std::string_view name) {
  for (const auto& [known, dtype] : kDtypes) {
    if (name == known) return dtype;
  }
  return at::ScalarType::Undefined;
}

SafetensorsHeader parse_safetensors_header(std::string_view file, std::string_view where) {
  if (file.size() < kSizeBytes) fail(where, "the file has " + std::to_string(file.size()) + " bytes: it is truncated or no safetensors file");
  std::uint64_t header_size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) header_size |= static_cast<std::uint64_t>(static_cast<unsigned char>(file[i])) << (8 * i);
  if (header_size > kLargestHeader) fail(where, "it claims a header of " + std::to_string(header_size) + " bytes: not a safetensors file");
  if (header_size > file.size() - kSizeBytes) {
    fail(where,
         "the header needs " + std::to_string(header_size) + " bytes, the file has " + std::to_string(file.size() - kSizeBytes) + " more: it is truncated");
  }
  const std::string_view text = file.substr(kSizeBytes, header_size);
  if (text.empty() || text.front() != '{') fail(where, "the header does not begin with '{': not a safetensors file");

  SafetensorsHeader header;
  const Json json = parse_json_header(text, where);
  if (!json.is_object()) fail(where, "the header is not an object");
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__")
      parse_metadata(value, where, header.metadata);
    else
      header.tensors.push_back(parse_entry(name, value, where));
  }

  // Empty tensors share their begin with the tensor after them: the end decides.
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  const std::uint64_t data_begin = kSizeBytes + header_size, data_size = file.size() - data_begin;
  std::uint64_t expected = 0;
  for (TensorEntry& entry : header.tensors) {
    if (entry.begin != expected) {
      fail_tensor(where, entry.name,
                  "its data begin at " + std::to_string(entry.begin) + (entry.begin < expected ? ", inside another tensor" : ", after a hole"));
    }
    if (entry.end > data_size) {
      fail_tensor(where, entry.name,
                  "its data end at " + std::to_string(entry.end) + ", the file holds " + std::to_string(data_size) +
                      " bytes of data: it is truncated (copy or download it again)");
    }
    expected = entry.end;
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  if (expected != data_size) fail(where, std::to_string(data_size - expected) + " bytes follow the last tensor: the file is damaged");
  return header;
}

}  // namespace phidias::models
