#include "models/hub/peft.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "models/hub/directory_replacement.h"

namespace phidias::models {

namespace fs = std::filesystem;

namespace {

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kTensors = "adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";

// null, false, {} and []: PEFT's spellings of "not used".
bool is_off(const Json& value) { return value.is_null() || value == false || ((value.is_object() || value.is_array()) && value.empty()); }

// Fields that leave the numbers alone, or are read here. Any other must be off: what a newer PEFT adds is refused unless it is not used.
void refuse_what_is_not_computed(const Json& json, const std::string& where) {
  static const std::set<std::string> kKnown = {
      "auto_mapping", "base_model_name_or_path", "bias", "inference_mode", "init_lora_weights", "lora_alpha",     "lora_dropout", "megatron_core", "peft_type",
      "peft_version", "qalora_group_size",       "r",    "runtime_config", "revision",          "target_modules", "task_type",    "use_rslora"};
  std::string problems;
  for (const auto& [key, value] : json.items())
    if (!kKnown.contains(key) && !is_off(value)) problems += "\n  " + key + ": " + value.dump() + " is not supported";
  if (json.value("peft_type", Json()) != "LORA") problems += "\n  peft_type: only LORA is supported";
  if (json.value("bias", Json("none")) != "none") problems += "\n  bias: " + json["bias"].dump() + " is not supported; none is";
  if (const Json task = json.value("task_type", Json()); !task.is_null() && task != "CAUSAL_LM") problems += "\n  task_type: only CAUSAL_LM is supported";
  // Other initialisations (pissa, olora, corda, loftq) change the base weights.
  const Json start = json.value("init_lora_weights", Json(true));
  if (!start.is_boolean() && start != "gaussian" && start != "eva" && start != "orthogonal")
    problems += "\n  init_lora_weights: " + start.dump() + " changes the base model; convert the adapter with PEFT first";
  if (!problems.empty()) throw ConfigError(where + ":" + problems);
}

template <typename Accept>
const Json& field(const Json& json, const char* name, const std::string& where, const char* expected, Accept accept) {
  if (!json.contains(name) || !accept(json[name])) throw ConfigError(where + ": " + name + " must be " + expected);
  return json[name];
}

std::vector<std::string> read_targets(const Json& json, const std::set<std::string>& modules, const std::string& where) {
  const Json& value = field(json, "target_modules", where, "a list of names, \"all-linear\" or an expression", [](const Json& v) {
    return v.is_string() || (v.is_array() && !v.empty() && std::all_of(v.begin(), v.end(), [](const Json& name) { return name.is_string(); }));
  });
  if (value.is_array()) return value.get<std::vector<std::string>>();
  if (value == "all-linear") return {"all-linear"};
  return {modules.begin(), modules.end()};
}

configs::LoraSection read_section(const Json& json, const std::set<std::string>& modules, const std::string& where) {
  if (!json.is_object()) throw ConfigError(where + ": not a JSON object");
  refuse_what_is_not_computed(json, where);
  configs::LoraSection section;
  section.rank = field(json, "r", where, "a whole number of at least 1", [](const Json& v) { return v.is_number_unsigned() && v > 0; }).get<std::int64_t>();
  section.alpha = field(json, "lora_alpha", where, "a number", [](const Json& v) { return v.is_number(); }).get<double>();
  if (json.contains("lora_dropout"))
    section.dropout = field(json, "lora_dropout", where, "a number in [0, 1)", [](const Json& v) { return v.is_number() && v >= 0 && v < 1; }).get<double>();
  if (json.contains("use_rslora")) section.rslora = field(json, "use_rslora", where, "true or false", [](const Json& v) { return v.is_boolean(); }).get<bool>();
  section.targets = read_targets(json, modules, where);
  return section;
}

// Module paths of the file; every module has an A and a B of one rank and nothing else is there.
std::set<std::string> read_modules(const SafetensorsFile& file) {
  std::set<std::string> modules;
  const auto refuse = [&](const std::string& name, const char* what) { throw CheckpointError(file.path().string() + ": tensor \"" + name + "\" " + what); };
  for (const TensorEntry& entry : file.header().tensors) {
    const bool is_a = entry.name.ends_with(kA);
    if (!entry.name.starts_with(kPrefix) || (!is_a && !entry.name.ends_with(kB)))
      refuse(entry.name, "is not base_model.model.<module>.lora_A.weight or lora_B.weight");
    const std::string stem = entry.name.substr(0, entry.name.size() - kA.size());
    const TensorEntry* other = file.find(stem + std::string(is_a ? kB : kA));
    if (other == nullptr) refuse(entry.name, "has no counterpart");
    if (entry.shape.size() != 2 || other->shape.size() != 2) refuse(entry.name, "or its counterpart is not a matrix");
    if (is_a && entry.shape[0] != other->shape[1]) refuse(entry.name, "does not have the rank of its lora_B");
    if (entry.dtype != at::kFloat && entry.dtype != at::kBFloat16 && entry.dtype != at::kHalf) refuse(entry.name, "is not F32, BF16 or F16");
    modules.insert(stem.substr(kPrefix.size()));
  }
  if (modules.empty()) throw CheckpointError(file.path().string() + " holds no adapters");
  return modules;
}

fs::path existing_tensors(const fs::path& path) {
  if (fs::exists(path / kTensors)) return path / kTensors;
  if (fs::exists(path / "adapter_model.bin"))
    throw CheckpointError(path.string() +
                          " holds pickle weights (adapter_model.bin), which can run code when they are read; save it with PEFT's safe_serialization=True");
  throw CheckpointError(path.string() + " holds no " + kTensors);
}

void check_fit(const AdapterDirectory& directory, const CausalLM& model) {
  std::string problems;
  std::set<std::string> declared;
  for (const LogicalTensor& tensor : all_adapter_tensors(model)) {
    declared.insert(tensor.name);
    const TensorEntry* entry = directory.find(tensor.name);
    if (entry == nullptr)
      problems += "\n  " + tensor.name + " is missing";
    else if (entry->shape != tensor.shape)
      problems += "\n  " + tensor.name + " is " + shape_text(entry->shape) + " instead of " + shape_text(tensor.shape);
  }
  for (const std::string& module : directory.modules())
    if (!declared.contains(module + std::string(kA))) problems += "\n  " + module + " is not adapted by the model's targets";
  if (!problems.empty()) throw CheckpointError(directory.path().string() + " does not fit the model:" + problems);
}

// Names that PEFT understands: the section's own unless they are patterns, then the modules themselves.
std::vector<std::string> peft_targets(const configs::LoraSection& section, const std::vector<LogicalTensor>& tensors) {
  const bool plain = std::none_of(section.targets.begin(), section.targets.end(),
                                  [](const std::string& target) { return target == "all-linear" || target.find_first_of("*?[") != std::string::npos; });
  std::set<std::string> names;
  if (plain)
    names.insert(section.targets.begin(), section.targets.end());
  else
    for (const LogicalTensor& tensor : tensors) names.insert(tensor.name.substr(0, tensor.name.size() - kA.size()));
  return {names.begin(), names.end()};
}

// A whole number without a fraction, as people write alpha.
Json number(double value) { return value == static_cast<double>(static_cast<std::int64_t>(value)) ? Json(static_cast<std::int64_t>(value)) : Json(value); }

// The fields of PEFT 0.21.2, sorted by name.
Json config_json(const SaveAdapterOptions& options, const std::vector<LogicalTensor>& tensors) {
  Json json = {{"alpha_pattern", Json::object()},
               {"bias", "none"},
               {"ensure_weight_tying", false},
               {"fan_in_fan_out", false},
               {"inference_mode", true},
               {"init_lora_weights", true},
               {"loftq_config", Json::object()},
               {"lora_bias", false},
               {"megatron_core", "megatron.core"},
               {"peft_type", "LORA"},
               {"peft_version", "0.21.2"},
               {"qalora_group_size", 16},
               {"rank_pattern", Json::object()},
               {"task_type", "CAUSAL_LM"},
               {"use_dora", false},
               {"use_qalora", false}};
  for (const char* unused : {"alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config", "eva_config", "exclude_modules", "kasa_config",
                             "layer_replication", "layers_pattern", "layers_to_transform", "lora_ga_config", "megatron_config", "modules_to_save",
                             "monteclora_config", "revision", "target_parameters", "trainable_token_indices", "use_bdlora", "velora_config"})
    json[unused] = nullptr;
  json["base_model_name_or_path"] = options.base;
  json["r"] = options.lora.rank;
  json["lora_alpha"] = number(options.lora.alpha.value());
  json["lora_dropout"] = options.lora.dropout;
  json["use_rslora"] = options.lora.rslora;
  json["target_modules"] = peft_targets(options.lora, tensors);
  return json;
}

void copy_companions(const fs::path& from, const fs::path& to) {
  static constexpr std::array kLeftOut = {"config.json", "adapter_config.json", "README.md"};
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    const bool is_left_out = std::find(kLeftOut.begin(), kLeftOut.end(), name) != kLeftOut.end() || name.ends_with(".py") || !is_passed_on(name);
    if (entry.is_regular_file() && !is_left_out && !fs::exists(to / name)) write_file_atomic(to / name, MappedFile(entry.path()).text());
  }
}

}  // namespace

bool is_adapter_directory(const fs::path& path) { return fs::exists(path / kConfig) && !fs::exists(path / "config.json"); }

fs::path base_directory(const fs::path& path) {
  if (!is_adapter_directory(path)) return path;
  const Json json = read_json(path / kConfig);
  const Json name = json.is_object() ? json.value("base_model_name_or_path", Json()) : Json();
  if (!name.is_string()) throw CheckpointError((path / kConfig).string() + " names no base model (base_model_name_or_path)");
  for (const fs::path& base : {fs::path(name.get<std::string>()), path / name.get<std::string>()})
    if (fs::is_directory(base)) return base;
  throw CheckpointError(path.string() + " is an adapter of " + name.get<std::string>() +
                        ", which is not a directory here. Merge it with\n  phidias export --model BASE --adapter " + path.string() +
                        " --output DIR\nwhere BASE is the directory of that model");
}

AdapterDirectory::AdapterDirectory(const fs::path& path) : path_(path), tensors_(existing_tensors(path)), modules_(read_modules(tensors_)) {
  if (!fs::exists(path / kConfig)) throw CheckpointError(path.string() + " holds no " + kConfig);
  const Json json = read_json(path / kConfig);
  lora_ = read_section(json, modules_, (path / kConfig).string());
  if (const Json base = json.value("base_model_name_or_path", Json()); base.is_string()) base_ = base.get<std::string>();
}

const TensorEntry* AdapterDirectory::find(const std::string& name) const { return tensors_.find(std::string(kPrefix) + name); }

at::Tensor AdapterDirectory::tensor(const std::string& name) const { return tensors_.tensor(std::string(kPrefix) + name); }

RangeReader adapter_reader(const AdapterDirectory& directory, const CausalLM& model) {
  check_fit(directory, model);
  return [&directory](const ParameterDeclaration&, const LogicalTensor& tensor, std::int64_t begin, std::int64_t end, at::Tensor out) {
    const at::NoGradGuard no_gradients;
    out.copy_(directory.tensor(tensor.name).view({-1}).narrow(0, begin, end - begin));
  };
}

void save_adapter_directory(const fs::path& out, const CausalLM& model, const TensorProvider& provider, const SaveAdapterOptions& options) {
  DirectoryReplacement replacement(out);
  const fs::path& directory = replacement.temporary();
  if (!options.source.empty()) copy_other_files(options.source, directory);
  if (!fs::exists(directory / kConfig)) write_file_atomic(directory / kConfig, config_json(options, all_adapter_tensors(model)).dump(2));
  if (!options.companions.empty()) copy_companions(options.companions, directory);
  std::vector<TensorToWrite> tensors;
  for (const LogicalTensor& tensor : all_adapter_tensors(model))
    tensors.push_back({std::string(kPrefix) + tensor.name, options.dtype, tensor.shape, [&provider, name = tensor.name] { return provider(name); }});
  write_safetensors(directory / kTensors, std::move(tensors));
  replacement.commit();
}

std::vector<std::string> adapter_save_order(const CausalLM& model) {
  std::vector<std::string> names;
  for (const LogicalTensor& tensor : all_adapter_tensors(model)) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());  // one dtype: by name
  return names;
}

void save_adapter_directory(const fs::path& out, const CausalLM& model, const SaveAdapterOptions& options) {
  std::unordered_map<std::string, at::Tensor> values;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    if (!declaration.adapter) continue;
    for (const LogicalTensor& tensor : declaration.tensors)
      values[tensor.name] = declaration.parameter->value.view({-1}).narrow(0, tensor.offset, tensor.count()).view(tensor.shape);
  }
  save_adapter_directory(out, model, [&values](const std::string& name) { return values.at(name); }, options);
}

}  // namespace phidias::models
