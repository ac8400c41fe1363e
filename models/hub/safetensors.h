// The safetensors file format: 8 bytes little-endian header size, a JSON header, raw row-major little-endian tensor data.
//
// Reading maps the file and checks every field of the header before any tensor is touched: sizes, JSON, duplicate names, dtypes, shapes,
// offsets without holes or overlap from the first to the last byte. Every failure is a CheckpointError naming file and tensor.
// Writing gives the bytes that the safetensors package (0.4 on) gives for the same tensors: order by dtype width, then name; header
// padded with spaces to a multiple of 8. Format: huggingface/safetensors README, "Format".
//
//   const SafetensorsFile file("model.safetensors");
//   at::Tensor weight = file.tensor("model.norm.weight");        // a read-only view of the map, which it keeps alive
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"

namespace phidias::models {

// Names of dtypes in headers ("BF16"). dtype_from_name: Undefined for an unknown name.
const char* safetensors_dtype_name(at::ScalarType dtype);
at::ScalarType safetensors_dtype_from_name(std::string_view name);

struct TensorEntry {
  std::string name;
  at::ScalarType dtype = at::ScalarType::Undefined;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes of the file
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;             // in the order of their data
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// `file`: the whole content. Pure: reads nothing else, so foreign bytes can be thrown at it.
SafetensorsHeader parse_safetensors_header(std::string_view file, std::string_view where);

class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  const std::filesystem::path& path() const { return path_; }
  const SafetensorsHeader& header() const { return header_; }
  const TensorEntry* find(const std::string& name) const;  // null: not here
  // A CPU tensor over the mapped bytes; never write to it. Throws CheckpointError when the name is not here.
  at::Tensor tensor(const std::string& name) const;
  // As tensor(), of the elements from `begin` on that `shape` holds.
  at::Tensor part(const std::string& name, std::int64_t begin, const std::vector<std::int64_t>& shape) const;

 private:
  const TensorEntry& entry_of(const std::string& name) const;

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> map_;
  SafetensorsHeader header_;
  std::map<std::string, std::size_t> index_;
};

// A tensor that is asked for when its turn in the file comes, so that only one is in memory at a time.
struct TensorToWrite {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> shape;
  std::function<at::Tensor()> read;  // any device and floating-point type; converted
};
TensorToWrite tensor_to_write(std::string name, const at::Tensor& tensor);

using SafetensorsMetadata = std::map<std::string, std::string>;

// Writes one file atomically. Calls read() once per tensor in the order of the file.
void write_safetensors(const std::filesystem::path& path, std::vector<TensorToWrite> tensors, const SafetensorsMetadata& metadata = {{"format", "pt"}});

// Deals tensors to shards in the given order and puts each shard into the order of its file: that in which the functions below read them.
std::vector<std::vector<TensorToWrite>> deal_to_shards(std::vector<TensorToWrite> tensors, std::int64_t max_shard_bytes);

// model.safetensors, or model-0000i-of-0000n.safetensors with model.safetensors.index.json when the data exceed `max_shard_bytes`.
// Tensors are dealt to shards in the given order (a tensor larger than a shard gets one of its own).
void write_sharded_safetensors(const std::filesystem::path& directory, std::vector<TensorToWrite> tensors, std::int64_t max_shard_bytes,
                               const SafetensorsMetadata& metadata = {{"format", "pt"}});

}  // namespace phidias::models
