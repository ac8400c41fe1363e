#include "models/hub/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace phidias::models {

namespace {

constexpr std::size_t kHeaderAlignment = 8;

// The package writes wider types first; its order of types is that of the enumeration behind the names.
int dtype_rank(at::ScalarType dtype) {
  constexpr at::ScalarType kOrder[] = {at::ScalarType::Bool,          at::ScalarType::Byte,  at::ScalarType::Char,   at::ScalarType::Float8_e5m2,
                                       at::ScalarType::Float8_e4m3fn, at::ScalarType::Short, at::ScalarType::Half,   at::ScalarType::BFloat16,
                                       at::ScalarType::Int,           at::ScalarType::Float, at::ScalarType::Double, at::ScalarType::Long};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), dtype) - std::begin(kOrder));
}

std::int64_t byte_count(const TensorToWrite& tensor) {
  std::int64_t bytes = static_cast<std::int64_t>(c10::elementSize(tensor.dtype));
  for (const std::int64_t size : tensor.shape) bytes *= size;
  return bytes;
}

std::string header_of(const std::vector<TensorToWrite>& tensors, const SafetensorsMetadata& metadata) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::int64_t end = offset + byte_count(tensor);
    OrderedJson entry = {{"dtype", safetensors_dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    if (!header.emplace(tensor.name, std::move(entry)).second) throw CheckpointError("two tensors are called \"" + tensor.name + "\"");
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return text;
}

std::string shard_name(std::size_t shard, std::size_t count) {
  const auto five = [](std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return "model-" + five(shard) + "-of-" + five(count) + ".safetensors";
}

void sort_as_in_files(std::vector<TensorToWrite>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorToWrite& a, const TensorToWrite& b) {
    const int rank_a = dtype_rank(a.dtype), rank_b = dtype_rank(b.dtype);
    return rank_a != rank_b ? rank_a > rank_b : a.name < b.name;
  });
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path), map_(std::make_shared<const MappedFile>(path)) {
  header_ = parse_safetensors_header(map_->text(), path.string());
  for (std::size_t i = 0; i < header_.tensors.size(); ++i) index_[header_.tensors[i].name] = i;
}

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &header_.tensors[found->second];
}

const TensorEntry& SafetensorsFile::entry_of(const std::string& name) const {
  const TensorEntry* entry = find(name);
  if (entry == nullptr) throw CheckpointError(path_.string() + ": tensor \"" + name + "\" is missing");
  return *entry;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const { return part(name, 0, entry_of(name).shape); }

at::Tensor SafetensorsFile::part(const std::string& name, std::int64_t begin, const std::vector<std::int64_t>& shape) const {
  const TensorEntry& entry = entry_of(name);
  const std::size_t width = c10::elementSize(entry.dtype);
  std::uint64_t size = width;
  for (const std::int64_t n : shape) size *= static_cast<std::uint64_t>(n);
  const std::uint64_t from = entry.begin + static_cast<std::uint64_t>(begin) * width;
  if (begin < 0 || from + size > entry.end) throw CheckpointError(path_.string() + ": tensor \"" + name + "\" is smaller than the part that is asked for");
  if (size == 0) return at::empty(shape, entry.dtype);
  const std::byte* bytes = map_->data() + from;
  // Nothing in the format aligns data to their element: a view would be undefined behaviour.
  if (reinterpret_cast<std::uintptr_t>(bytes) % width != 0) {
    at::Tensor copy = at::empty(shape, entry.dtype);
    std::memcpy(copy.mutable_data_ptr(), bytes, size);
    return copy;
  }
  return at::from_blob(const_cast<std::byte*>(bytes), shape, [map = map_](void*) {}, at::TensorOptions(entry.dtype));
}

TensorToWrite tensor_to_write(std::string name, const at::Tensor& tensor) {
  return {std::move(name), tensor.scalar_type(), tensor.sizes().vec(), [tensor] { return tensor; }};
}

void write_safetensors(const std::filesystem::path& path, std::vector<TensorToWrite> tensors, const SafetensorsMetadata& metadata) {
  sort_as_in_files(tensors);
  const std::string header = header_of(tensors, metadata);
  AtomicFile file(path);
  unsigned char size[8];
  for (std::size_t i = 0; i < sizeof size; ++i) size[i] = static_cast<unsigned char>(header.size() >> (8 * i));
  file.write(size, sizeof size);
  file.write(header);
  for (const TensorToWrite& tensor : tensors) {
    const at::Tensor value = tensor.read().detach().to(at::kCPU, tensor.dtype).contiguous();
    if (value.sizes() != at::IntArrayRef(tensor.shape)) throw CheckpointError("tensor \"" + tensor.name + "\" does not have the shape it was announced with");
    file.write(value.const_data_ptr(), value.nbytes());
  }
  file.commit();
}

std::vector<std::vector<TensorToWrite>> deal_to_shards(std::vector<TensorToWrite> tensors, std::int64_t max_shard_bytes) {
  std::vector<std::vector<TensorToWrite>> shards(1);
  std::int64_t in_shard = 0;
  for (TensorToWrite& tensor : tensors) {
    const std::int64_t bytes = byte_count(tensor);
    if (in_shard > 0 && in_shard + bytes > max_shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    in_shard += bytes;
    shards.back().push_back(std::move(tensor));
  }
  for (std::vector<TensorToWrite>& shard : shards) sort_as_in_files(shard);
  return shards;
}

void write_sharded_safetensors(const std::filesystem::path& directory, std::vector<TensorToWrite> tensors, std::int64_t max_shard_bytes,
                               const SafetensorsMetadata& metadata) {
  std::int64_t total = 0;
  for (const TensorToWrite& tensor : tensors) total += byte_count(tensor);
  std::vector<std::vector<TensorToWrite>> shards = deal_to_shards(std::move(tensors), max_shard_bytes);
  if (shards.size() == 1) return write_safetensors(directory / "model.safetensors", std::move(shards[0]), metadata);

  std::map<std::string, std::string> files;  // index entries sorted by name, as transformers writes them
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i + 1, shards.size());
    for (const TensorToWrite& tensor : shards[i]) files[tensor.name] = name;
    write_safetensors(directory / name, std::move(shards[i]), metadata);
  }
  const OrderedJson index = {{"metadata", {{"total_size", total}}}, {"weight_map", files}};
  write_file_atomic(directory / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace phidias::models
