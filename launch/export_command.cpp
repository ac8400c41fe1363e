#include <ATen/ops/equal.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "launch/commands.h"
#include "launch/model_directory_name.h"
#include "models/hub/model_directory.h"

namespace phidias::launch {
namespace {

// Every tensor of the directory written equals the model's, rounded to the dtype it was written in.
void verify(const std::filesystem::path& written, const models::CausalLM& model, at::ScalarType dtype) {
  const models::ModelDirectory copy = models::open_model_directory(written);
  for (const models::ParameterDeclaration& declaration : model.declarations()) {
    if (!at::equal(copy.tensor(declaration.name), declaration.parameter->value.to(dtype))) {
      throw CheckpointError(written.string() + ": " + declaration.name + " differs from the source after writing");
    }
  }
}

}  // namespace

int run_export(const ExportCommand& command, bool json) {
  const std::filesystem::path source = resolve_model_directory(command.model);
  require_new_directory(command.output);
  const models::LoadedModel loaded = models::load_model(source);  // in the file's own dtype: nothing is rounded on the way
  const at::ScalarType dtype = command.dtype == "float32" ? at::kFloat : command.dtype == "bfloat16" ? at::kBFloat16 : loaded.file_dtype;
  models::save_model_directory(command.output, *loaded.model, {.source = source, .dtype = dtype});
  if (command.verify) verify(command.output, *loaded.model, dtype);
  const std::size_t tensors = loaded.model->declarations().size();
  if (json) {
    std::printf("%s\n",
                OrderedJson({{"source", source.string()}, {"output", command.output}, {"tensors", tensors}, {"verified", command.verify}}).dump().c_str());
  } else {
    log_info(source.string() + " -> " + command.output + ": " + std::to_string(tensors) + " tensors" + (command.verify ? ", each verified" : ""));
  }
  return 0;
}

}  // namespace phidias::launch
