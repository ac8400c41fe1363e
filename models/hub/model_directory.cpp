#include "models/hub/model_directory.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "models/hub/config_json.h"
#include "models/hub/merge.h"
#include "models/hub/peft.h"

namespace phidias::models {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kNamesShown = 5;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kNamesShown ? text + " and " + std::to_string(names.size() - kNamesShown) + " more" : text;
}

std::string counted(const std::vector<std::string>& names, const char* what) {
  return "\n  " + std::to_string(names.size()) + (names.size() == 1 ? " tensor " : " tensors ") + what + ": " + listed(names);
}

[[noreturn]] void refuse_without_safetensors(const fs::path& path) {
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".bin" && extension != ".pt" && extension != ".pth") continue;
    throw CheckpointError(path.string() + " holds pickle weights (" + entry.path().filename().string() +
                          "), which can run code when they are read. Convert once with\n"
                          "  python -c 'from transformers import AutoModelForCausalLM as M; M.from_pretrained(\"" +
                          path.string() + "\", torch_dtype=\"auto\").save_pretrained(\"OUT\")'\nand use OUT with the tokenizer files copied beside it");
  }
  throw CheckpointError(path.string() + " holds no weights: model.safetensors or model.safetensors.index.json is needed");
}

// File name -> tensors that the index puts there; one entry without an index.
std::map<std::string, std::set<std::string>> weight_files(const fs::path& path) {
  if (fs::exists(path / "model.safetensors")) return {{"model.safetensors", {}}};
  const fs::path index_path = path / "model.safetensors.index.json";
  if (!fs::exists(index_path)) refuse_without_safetensors(path);
  const Json index = read_json(index_path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    throw CheckpointError(index_path.string() + ": \"weight_map\" is missing or not an object");
  }
  std::map<std::string, std::set<std::string>> files;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name != fs::path(name).filename().string() || name == "." || name == "..") {
      throw CheckpointError(index_path.string() + ": tensor \"" + tensor + "\" is not assigned to a file of this directory");
    }
    files[name].insert(tensor);
  }
  if (files.empty()) throw CheckpointError(index_path.string() + ": \"weight_map\" names no tensors");
  std::vector<std::string> absent;
  for (const auto& [name, tensors] : files) {
    if (!fs::exists(path / name)) absent.push_back(name);
  }
  if (!absent.empty()) throw CheckpointError(index_path.string() + " names " + std::to_string(absent.size()) + " files that are not there: " + listed(absent));
  return files;
}

// The index and the headers must tell the same story.
void check_against_index(const SafetensorsFile& file, const std::set<std::string>& indexed) {
  std::vector<std::string> missing, extra;
  for (const std::string& name : indexed) {
    if (file.find(name) == nullptr) missing.push_back(name);
  }
  for (const TensorEntry& entry : file.header().tensors) {
    if (!indexed.contains(entry.name)) extra.push_back(entry.name);
  }
  if (missing.empty() && extra.empty()) return;
  throw CheckpointError(file.path().string() + " does not agree with model.safetensors.index.json:" +
                        (missing.empty() ? "" : counted(missing, "missing here")) + (extra.empty() ? "" : counted(extra, "not in the index")));
}

// Tables that old checkpoints carry along; they are computed here.
bool is_ignored_buffer(const std::string& name) { return name.ends_with(".rotary_emb.inv_freq"); }

at::ScalarType common_dtype(const fs::path& path, const StoredTensors& tensors) {
  std::map<at::ScalarType, std::vector<std::string>> names;
  for (const auto& [name, tensor] : tensors) {
    if (!is_ignored_buffer(name)) names[tensor.dtype].push_back(name);
  }
  if (names.empty()) throw CheckpointError(path.string() + " holds no tensors");
  const auto most = std::max_element(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  const at::ScalarType dtype = most->first;
  if (dtype != at::kFloat && dtype != at::kBFloat16 && dtype != at::kHalf) {
    throw CheckpointError(path.string() + ": weights are " + safetensors_dtype_name(dtype) + "; F32, BF16 and F16 are supported (quantised weights are not)");
  }
  std::string problems;
  for (const auto& [other, list] : names) {
    if (other != dtype) problems += counted(list, (std::string("with dtype ") + safetensors_dtype_name(other)).c_str());
  }
  if (!problems.empty()) throw CheckpointError(path.string() + ": weights are " + safetensors_dtype_name(dtype) + ", but" + problems);
  return dtype;
}

// "model.layers.3.block_sparse_moe.experts.5.w1.weight": layer 3, expert 5 and "w1.weight" of it.
struct ExpertName {
  explicit ExpertName(const std::string& name) : expert(expert_of(name)) {
    if (expert < 0) return;
    const std::size_t begin = name.find(".experts.") + 9;
    part = name.substr(name.find('.', begin) + 1);
    const std::size_t layer_at = name.find(".layers.");
    if (layer_at != std::string::npos) layer = std::stoll(name.substr(layer_at + 8));
  }
  std::int64_t layer = -1, expert = -1;
  std::string part;
};

// Tensors of experts are told by layer and expert, one line of the message.
std::string missing_text(const std::vector<std::string>& names) {
  std::vector<std::string> others, experts;
  std::map<std::pair<std::int64_t, std::int64_t>, std::string> parts;
  for (const std::string& name : names) {
    const ExpertName expert(name);
    if (expert.expert < 0 || expert.layer < 0) {
      others.push_back(name);
      continue;
    }
    std::string& text = parts[{expert.layer, expert.expert}];
    text += (text.empty() ? "" : ", ") + expert.part;
  }
  for (const auto& [place, text] : parts)
    experts.push_back("expert " + std::to_string(place.second) + " of layer " + std::to_string(place.first) + " (" + text + ")");
  std::string message = others.empty() ? "" : counted(others, "missing");
  if (!experts.empty())
    message += "\n  " + std::to_string(experts.size()) + (experts.size() == 1 ? " expert" : " experts") + " missing or incomplete: " + listed(experts);
  return message;
}

void check_fit(const ModelDirectory& directory, const CausalLM& model) {
  std::vector<std::string> missing, extra, shapes;
  std::set<std::string> declared;
  for (const LogicalTensor& tensor : all_checkpoint_tensors(model)) {
    declared.insert(tensor.name);
    const auto found = directory.tensors().find(tensor.name);
    if (found == directory.tensors().end())
      missing.push_back(tensor.name);
    else if (found->second.shape != tensor.shape)
      shapes.push_back(tensor.name + " (" + shape_text(found->second.shape) + " instead of " + shape_text(tensor.shape) + ")");
  }
  for (const auto& [name, stored] : directory.tensors()) {
    const bool repeated_head = model.config().tied_head && name == "lm_head.weight";
    if (!declared.contains(name) && !repeated_head && !is_ignored_buffer(name)) extra.push_back(name);
  }
  if (missing.empty() && extra.empty() && shapes.empty()) return;
  throw CheckpointError(directory.path().string() + " does not fit its config.json:" + missing_text(missing) +
                        (extra.empty() ? "" : counted(extra, "unknown to the model")) + (shapes.empty() ? "" : counted(shapes, "of another shape")));
}

std::vector<std::int64_t> token_list(const Json& value, const fs::path& where) {
  std::vector<std::int64_t> tokens;
  for (const Json& token : value.is_array() ? value : Json::array({value})) {
    if (!token.is_number_unsigned()) throw ConfigError(where.string() + ": eos_token_id holds something that is no token id");
    tokens.push_back(token.get<std::int64_t>());
  }
  return tokens;
}

}  // namespace

ModelDirectory::ModelDirectory(const fs::path& path) : path_(path), config_(read_model_config(path)) {
  const auto files = weight_files(path);
  for (const auto& [name, indexed] : files) {
    files_.push_back(std::make_unique<SafetensorsFile>(path / name));
    if (!indexed.empty()) check_against_index(*files_.back(), indexed);
  }
  tensors_ = released_tensors(config_, files_);
  dtype_ = common_dtype(path, tensors_);
}

at::Tensor ModelDirectory::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw CheckpointError(path_.string() + ": tensor \"" + name + "\" is missing");
  return found->second.file->part(found->second.name, found->second.begin, found->second.shape);
}

configs::ModelConfig read_model_config(const fs::path& path) {
  if (!fs::exists(path)) throw CheckpointError(path.string() + " does not exist: a Hugging Face model directory is needed");
  const fs::path file = fs::is_directory(path) ? base_directory(path) / "config.json" : path;
  if (!fs::exists(file)) throw CheckpointError(path.string() + " holds no config.json: it is not a Hugging Face model directory");
  return model_config_from_json(read_json(file), file.string());
}

at::ScalarType configured_dtype(const fs::path& directory) {
  const Json json = read_json(fs::is_directory(directory) ? directory / "config.json" : directory);
  const Json& dtype = json.contains("dtype") ? json["dtype"] : json.contains("torch_dtype") ? json["torch_dtype"] : Json();
  if (dtype == "bfloat16") return at::kBFloat16;
  return dtype == "float16" ? at::kHalf : at::kFloat;
}

std::vector<std::int64_t> read_end_tokens(const fs::path& directory) {
  for (const fs::path& holder : {directory, base_directory(directory)}) {
    const fs::path generation = holder / "generation_config.json";
    if (!fs::exists(generation)) continue;
    const Json json = read_json(generation);
    if (json.is_object() && json.contains("eos_token_id") && !json["eos_token_id"].is_null()) return token_list(json["eos_token_id"], generation);
  }
  return read_model_config(directory).eos_token_ids;
}

RangeReader range_reader(const ModelDirectory& directory, const CausalLM& model) {
  check_fit(directory, model);
  if (model.config().tied_head && directory.tensors().contains("lm_head.weight") &&
      !at::equal(directory.tensor("lm_head.weight"), directory.tensor("model.embed_tokens.weight"))) {
    throw CheckpointError(directory.path().string() +
                          ": config.json ties lm_head.weight to model.embed_tokens.weight, but the files hold different values for them");
  }
  return [&directory](const ParameterDeclaration&, const LogicalTensor& tensor, std::int64_t begin, std::int64_t end, at::Tensor out) {
    const at::NoGradGuard no_gradients;
    out.copy_(directory.tensor(tensor.name).view({-1}).narrow(0, begin, end - begin));
  };
}

namespace {

void load_weights(const RangeReader& read, const CausalLM& model) {
  const at::NoGradGuard no_gradients;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    if (declaration.adapter) continue;
    const at::Tensor flat = declaration.parameter->value.view({-1});
    for (const LogicalTensor& tensor : declaration.tensors) read(declaration, tensor, 0, tensor.count(), flat.narrow(0, tensor.offset, tensor.count()));
  }
}

}  // namespace

void load_weights(const ModelDirectory& directory, const CausalLM& model) { load_weights(range_reader(directory, model), model); }

LoadedModel load_model(const fs::path& path, std::optional<at::ScalarType> dtype, at::Device device) {
  const ModelDirectory directory(base_directory(path));
  LoadedModel loaded;
  loaded.config = directory.config();
  loaded.file_dtype = directory.dtype();
  loaded.model = make_model(loaded.config);
  loaded.storage = allocate(*loaded.model, dtype.value_or(directory.dtype()), device);
  if (is_adapter_directory(path)) {
    const AdapterDirectory adapter(path);
    load_weights(MergedWeights(directory, adapter).reader(*loaded.model), *loaded.model);
  } else {
    load_weights(directory, *loaded.model);
  }
  return loaded;
}

}  // namespace phidias::models
