// Rules of a recipe that concern more than one key, and what is said about keys that do not exist.
#pragma once

#include <string>
#include <vector>

#include "configs/reader.h"
#include "configs/run_config.h"

namespace phidias::configs {

void check_run_config(const RunConfig& config, ReadState& state);

// "unknown key; did you mean X?", "unknown key; valid here: a, b" or "PPO is not available in this version of the program".
std::string explain_unknown_recipe_key(const std::string& path, const std::vector<std::string>& keys_here);

}  // namespace phidias::configs
