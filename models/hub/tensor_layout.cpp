#include "models/hub/tensor_layout.h"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace phidias::models {

namespace {

constexpr std::string_view kExperts = ".experts.";

void replace_first(std::string& text, std::string_view from, std::string_view to) {
  if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

// Names of transformers 5 and its release candidates, a stacked tensor aside.
std::string released_name(std::string name) {
  replace_first(name, ".mlp.", ".block_sparse_moe.");
  replace_first(name, ".block_sparse_moe.router.weight", ".block_sparse_moe.gate.weight");
  const bool is_bare = expert_of(name) >= 0 && (name.ends_with(".w1") || name.ends_with(".w2") || name.ends_with(".w3"));
  return is_bare ? name + ".weight" : name;
}

class Collector {
 public:
  explicit Collector(const configs::ModelConfig& config) : config_(config) {}

  void add(const SafetensorsFile& file, const TensorEntry& entry) {
    if (config_.architecture != configs::Architecture::phimoe) return insert(entry.name, {&file, entry.name, entry.dtype, entry.shape});
    const std::string name = released_name(entry.name);
    const std::int64_t inner = config_.intermediate_size, hidden = config_.hidden_size;
    if (name.ends_with(".experts.gate_up_proj"))
      unstack(file, entry, name, {{"w1", {inner, hidden}}, {"w3", {inner, hidden}}}, {config_.num_experts, 2 * inner, hidden});
    else if (name.ends_with(".experts.down_proj"))
      unstack(file, entry, name, {{"w2", {hidden, inner}}}, {config_.num_experts, hidden, inner});
    else
      insert(name, {&file, entry.name, entry.dtype, entry.shape});
  }

  StoredTensors tensors;

 private:
  using Part = std::pair<const char*, std::vector<std::int64_t>>;

  void unstack(const SafetensorsFile& file, const TensorEntry& entry, const std::string& name, const std::vector<Part>& parts,
               const std::vector<std::int64_t>& expected) {
    if (entry.shape != expected) {
      throw CheckpointError(file.path().string() + ": " + entry.name + " stacks experts of another shape than config.json says: " + shape_text(entry.shape) +
                            " instead of " + shape_text(expected));
    }
    const std::string path = name.substr(0, name.rfind('.') + 1);  // "....experts."
    std::int64_t begin = 0;
    for (std::int64_t expert = 0; expert < config_.num_experts; ++expert) {
      for (const auto& [part, shape] : parts) {
        insert(path + std::to_string(expert) + "." + part + ".weight", {&file, entry.name, entry.dtype, shape, begin});
        begin += shape[0] * shape[1];
      }
    }
  }

  void insert(const std::string& name, StoredTensor tensor) {
    const auto [place, is_new] = tensors.emplace(name, std::move(tensor));
    if (is_new) return;
    throw CheckpointError(name + " is stored twice: the second time beside " + place->second.name + " in " + place->second.file->path().string());
  }

  const configs::ModelConfig& config_;
};

}  // namespace

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::int64_t expert_of(const std::string& name) {
  const std::size_t at = name.find(kExperts);
  if (at == std::string::npos) return -1;
  const char* digits = name.data() + at + kExperts.size();
  std::int64_t expert = -1;
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), expert);
  return error == std::errc() && end != name.data() + name.size() && *end == '.' && expert >= 0 ? expert : -1;
}

std::string with_expert(const std::string& name, std::int64_t expert) {
  const std::size_t begin = name.find(kExperts) + kExperts.size(), end = name.find('.', begin);
  return name.substr(0, begin) + std::to_string(expert) + name.substr(end);
}

StoredTensors released_tensors(const configs::ModelConfig& config, const std::vector<std::unique_ptr<SafetensorsFile>>& files) {
  Collector collector(config);
  for (const auto& file : files)
    for (const TensorEntry& entry : file->header().tensors) collector.add(*file, entry);
  return std::move(collector.tensors);
}

}  // namespace phidias::models
