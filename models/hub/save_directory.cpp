// save_model_directory and copy_other_files of models/hub/model_directory.h.
#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "models/hub/config_json.h"
#include "models/hub/directory_replacement.h"
#include "models/hub/model_directory.h"
#include "models/hub/peft.h"

namespace phidias::models {

namespace fs = std::filesystem;

namespace {

const char* config_dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      throw CheckpointError(std::string("weights are not written as ") + c10::toString(dtype));
  }
}

bool is_weight_file(const std::string& name) {
  static constexpr std::array kEndings = {
      ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".onnx.data", ".onnx_data"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&name](const char* ending) { return name.ends_with(ending); });
}

bool is_bookkeeping(const std::string& name) { return name == ".git" || name == ".cache" || name == ".gitattributes" || name == ".huggingface"; }

// transformers 5 keeps rotary settings in rope_parameters alone, which version 4 passes over without a word: its own fields are added.
bool spell_rope_for_version_4(OrderedJson& json) {
  if (!json.contains("rope_parameters") || !json["rope_parameters"].is_object() || json.contains("rope_scaling")) return false;
  OrderedJson scaling = json["rope_parameters"];
  for (const char* outside : {"rope_theta", "partial_rotary_factor"}) {
    if (!scaling.contains(outside)) continue;
    if (!json.contains(outside)) json[outside] = scaling[outside];
    scaling.erase(outside);
  }
  const std::string type = scaling.value("rope_type", scaling.value("type", "default"));
  scaling["type"] = type;
  json["rope_scaling"] = type == "default" ? OrderedJson() : scaling;
  return true;
}

// config.json of the source with its dtype brought in line, every other byte of meaning kept in its order.
void adapt_dtype(const fs::path& file, at::ScalarType dtype) {
  OrderedJson json = OrderedJson::parse(read_file(file));
  const char* name = config_dtype_name(dtype);
  const char* key = json.contains("dtype") ? "dtype" : "torch_dtype";
  const bool spelt = spell_rope_for_version_4(json);
  if (!spelt && json.contains(key) && json[key] == name) return;
  json[key] = name;
  write_file_atomic(file, json.dump(2) + "\n");
}

void write_generation_config(const fs::path& file, const configs::ModelConfig& config) {
  OrderedJson json = {{"_from_model_config", true}};
  if (config.bos_token_id >= 0) json["bos_token_id"] = config.bos_token_id;
  if (!config.eos_token_ids.empty()) json["eos_token_id"] = config.eos_token_ids;
  if (config.pad_token_id >= 0) json["pad_token_id"] = config.pad_token_id;
  json["transformers_version"] = "4.57.3";
  write_file_atomic(file, json.dump(2) + "\n");
}

}  // namespace

std::vector<LogicalTensor> checkpoint_tensors(const CausalLM& model) {
  std::vector<LogicalTensor> tensors;
  for (const ParameterDeclaration& declaration : model.declarations())
    if (!declaration.adapter) tensors.insert(tensors.end(), declaration.tensors.begin(), declaration.tensors.end());
  return tensors;
}

bool is_passed_on(const std::string& file_name) { return !is_bookkeeping(file_name) && !is_weight_file(file_name); }

namespace {

// Of a parameter with some of the experts: all of them.
std::vector<LogicalTensor> whole_model_tensors(const CausalLM& model, bool adapters) {
  std::vector<LogicalTensor> tensors;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    if (declaration.adapter != adapters) continue;
    const std::vector<LogicalTensor>& own = declaration.tensors;
    const std::int64_t first = expert_of(own.front().name);
    if (declaration.placement != Placement::expert || first < 0) {
      tensors.insert(tensors.end(), own.begin(), own.end());
      continue;
    }
    std::vector<LogicalTensor> of_one;
    for (const LogicalTensor& tensor : own)
      if (expert_of(tensor.name) == first) of_one.push_back(tensor);
    const std::int64_t stride = of_one.back().offset + of_one.back().count() - of_one.front().offset;
    for (std::int64_t expert = 0; expert < model.config().num_experts; ++expert)
      for (const LogicalTensor& tensor : of_one)
        tensors.push_back({with_expert(tensor.name, expert), tensor.shape, expert * stride + tensor.offset - of_one.front().offset});
  }
  return tensors;
}

}  // namespace

std::vector<LogicalTensor> all_checkpoint_tensors(const CausalLM& model) { return whole_model_tensors(model, false); }
std::vector<LogicalTensor> all_adapter_tensors(const CausalLM& model) { return whole_model_tensors(model, true); }

void copy_other_files(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (!is_passed_on(name)) continue;
    if (entry.is_directory())
      copy_other_files(entry.path(), to / name);
    else if (entry.is_regular_file())
      write_file_atomic(to / name, MappedFile(entry.path()).text());
  }
}

namespace {

// `provider` outlives the result; null: nothing is read.
std::vector<TensorToWrite> tensors_to_write(const CausalLM& model, const TensorProvider* provider, const SaveOptions& options) {
  std::vector<TensorToWrite> tensors;
  for (const LogicalTensor& tensor : all_checkpoint_tensors(model))
    tensors.push_back({tensor.name, options.dtype, tensor.shape, [provider, name = tensor.name] { return (*provider)(name); }});
  return tensors;
}

}  // namespace

void save_model_directory(const fs::path& out, const CausalLM& model, const TensorProvider& provider, const SaveOptions& options) {
  DirectoryReplacement replacement(out);
  const fs::path& directory = replacement.temporary();
  if (!options.source.empty()) copy_other_files(options.source, directory);
  if (fs::exists(directory / "config.json")) {
    adapt_dtype(directory / "config.json", options.dtype);
  } else {
    write_file_atomic(directory / "config.json", model_config_to_json(model.config(), config_dtype_name(options.dtype)).dump(2) + "\n");
  }
  if (!fs::exists(directory / "generation_config.json")) write_generation_config(directory / "generation_config.json", model.config());

  write_sharded_safetensors(directory, tensors_to_write(model, &provider, options), options.max_shard_bytes);
  replacement.commit();
}

std::vector<std::string> save_order(const CausalLM& model, const SaveOptions& options) {
  std::vector<std::string> names;
  for (const auto& shard : deal_to_shards(tensors_to_write(model, nullptr, options), options.max_shard_bytes))
    for (const TensorToWrite& tensor : shard) names.push_back(tensor.name);
  return names;
}

void save_model_directory(const fs::path& out, const CausalLM& model, const SaveOptions& options) {
  std::unordered_map<std::string, at::Tensor> values;
  for (const ParameterDeclaration& declaration : model.declarations())
    for (const LogicalTensor& tensor : declaration.tensors)
      values[tensor.name] = declaration.parameter->value.view({-1}).narrow(0, tensor.offset, tensor.count()).view(tensor.shape);
  save_model_directory(out, model, [&values](const std::string& name) { return values.at(name); }, options);
}

}  // namespace phidias::models
