// Shapes of models by name: the released Phi-3 models and small ones (configs/models/*.yaml, part of the program).
#pragma once

#include <string>
#include <vector>

#include "configs/model_config.h"

namespace phidias::configs {

// Throws ConfigError for a name that does not exist, naming the nearest.
ModelConfig read_preset(const std::string& name);
// Sorted.
std::vector<std::string> preset_names();
// "no preset 'x'; did you mean y?" with the list of names.
std::string unknown_preset(const std::string& name);
// What a preset's file says about itself in its opening comment, first line.
std::string preset_summary(const std::string& name);

// A model configuration in YAML with the names of a Hugging Face config.json. Throws ConfigError with every problem; `source` names the file.
ModelConfig read_model_config(const std::string& yaml, const std::string& source);

}  // namespace phidias::configs
