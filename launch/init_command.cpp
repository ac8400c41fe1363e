#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "configs/presets.h"
#include "launch/commands.h"
#include "launch/model_directory_name.h"
#include "models/causal_lm.h"
#include "models/hub/model_directory.h"

namespace phidias::launch {

int run_init(const InitCommand& command) {
  require_new_directory(command.output);
  if (!command.tokenizer.empty() && !std::filesystem::is_directory(command.tokenizer)) throw DataError(command.tokenizer + " is not a directory");
  const std::unique_ptr<models::CausalLM> model = models::make_model(configs::read_preset(command.preset));
  const at::Tensor storage = models::allocate(*model, at::kFloat, at::kCPU);
  models::initialise(*model, command.seed);
  models::save_model_directory(command.output, *model, {.source = command.tokenizer, .dtype = command.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat});
  log_info(command.output + ": " + std::to_string(model->config().parameter_count()) + " parameters");
  return 0;
}

}  // namespace phidias::launch
