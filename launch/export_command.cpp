// export: a model directory, with an adapter merged into it, or the adapter itself. Tensors stream from the files that hold them.
#include <ATen/ops/equal.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "launch/commands.h"
#include "launch/model_directory_name.h"
#include "models/hub/directory_replacement.h"
#include "models/hub/merge.h"
#include "models/hub/model_directory.h"
#include "models/hub/peft.h"

namespace phidias::launch {
namespace {

namespace fs = std::filesystem;

struct Sources {
  fs::path model;    // base
  fs::path adapter;  // empty: none
};

// --model may be the adapter (or a LoRA run): its configuration names the base.
Sources sources_of(const ExportCommand& command) {
  const fs::path model = resolve_model_directory(command.model);
  if (!models::is_adapter_directory(model)) return {model, command.adapter.empty() ? fs::path() : resolve_model_directory(command.adapter)};
  if (!command.adapter.empty()) throw ConfigError("--model " + command.model + " is an adapter already; give its base, or leave --adapter out");
  return {command.format == "peft" ? fs::path() : models::base_directory(model), model};
}

// Every tensor of the directory written equals what was to be written, rounded to the dtype it was written in.
void verify(const fs::path& written, const std::vector<models::LogicalTensor>& tensors, const models::TensorProvider& provider, at::ScalarType dtype) {
  const models::ModelDirectory copy = models::open_model_directory(written);
  for (const models::LogicalTensor& tensor : tensors) {
    if (!at::equal(copy.tensor(tensor.name), provider(tensor.name).to(dtype)))
      throw CheckpointError(written.string() + ": " + tensor.name + " differs from the source after writing");
  }
}

std::size_t export_model(const ExportCommand& command, const Sources& sources) {
  const models::ModelDirectory base(sources.model);
  const std::unique_ptr<models::CausalLM> model = models::make_model(base.config());
  models::range_reader(base, *model);  // checks that the directory holds the model's tensors
  std::optional<models::AdapterDirectory> adapter;
  std::optional<models::MergedWeights> merged;
  models::TensorProvider provider = [&base](const std::string& name) { return base.tensor(name); };
  if (!sources.adapter.empty()) {
    adapter.emplace(sources.adapter);
    merged.emplace(base, *adapter);
    provider = merged->provider();
  }
  const at::ScalarType dtype = command.dtype == "float32" ? at::kFloat : command.dtype == "bfloat16" ? at::kBFloat16 : base.dtype();
  models::save_model_directory(command.output, *model, provider, {.source = base.path(), .dtype = dtype});
  const std::vector<models::LogicalTensor> tensors = models::checkpoint_tensors(*model);
  if (command.verify) verify(command.output, tensors, provider, dtype);
  return tensors.size();
}

// The directory as it is, byte for byte.
std::size_t export_adapter(const ExportCommand& command, const fs::path& source) {
  if (source.empty()) throw ConfigError("--format peft: " + command.model + " holds no adapter; give --adapter or a LoRA run");
  if (command.dtype != "keep") throw ConfigError("--format peft copies the adapter as it is; leave --dtype out");
  constexpr const char* kTensors = "adapter_model.safetensors";
  const models::AdapterDirectory adapter(source);  // refuses what it cannot read
  models::DirectoryReplacement replacement(command.output);
  models::copy_other_files(source, replacement.temporary());
  write_file_atomic(replacement.temporary() / kTensors, MappedFile(source / kTensors).text());
  replacement.commit();
  if (command.verify && MappedFile(fs::path(command.output) / kTensors).text() != MappedFile(source / kTensors).text())
    throw CheckpointError(command.output + ": " + kTensors + " differs from the source after writing");
  return 2 * adapter.modules().size();
}

}  // namespace

int run_export(const ExportCommand& command, bool json) {
  const Sources sources = sources_of(command);
  require_new_directory(command.output);
  const std::size_t tensors = command.format == "peft" ? export_adapter(command, sources.adapter) : export_model(command, sources);
  const std::string from = sources.adapter.empty() ? sources.model.string() : sources.adapter.string();
  if (json) {
    OrderedJson line = {{"source", sources.model.empty() ? from : sources.model.string()}};
    if (!sources.adapter.empty()) line["adapter"] = sources.adapter.string();
    line["output"] = command.output;
    line["tensors"] = tensors;
    line["verified"] = command.verify;
    std::printf("%s\n", line.dump().c_str());
  } else {
    const std::string merged = command.format != "peft" && !sources.adapter.empty() ? " merged into " + sources.model.string() : "";
    log_info(from + merged + " -> " + command.output + ": " + std::to_string(tensors) + " tensors" + (command.verify ? ", each verified" : ""));
  }
  return 0;
}

}  // namespace phidias::launch
