// Every key path of a recipe, in order: "method", "run.name", ..., "data.train", ...
#pragma once

#include <string>
#include <vector>

namespace phidias::configs {

std::vector<std::string> run_config_key_paths();

}  // namespace phidias::configs
