// May a run continue from a checkpoint although its recipe changed?
//
// A checkpoint stores its recipe as section -> key -> YAML text. Free to change: log, checkpoint, evaluation, parallel, stop, run.name,
// run.output and data.cache. optimizer, schedule and batch.micro_* continue with a warning: the numbers change from here on, on purpose.
// Everything else (model, data, the batch, the seed, the method) would make "resume" a lie and is an error, unless checkpoint.resume: force.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "configs/run_config.h"

namespace phidias::trainer {

using RecipeKeys = std::map<std::string, std::map<std::string, std::string>>;  // section -> key ("" for a scalar section) -> text

// From the dump of a resolved config (configs::dump_run_config).
RecipeKeys recipe_keys(const std::string& yaml);
// xxh128 of a section's keys and texts, as state.json shows it.
std::string section_hash(const RecipeKeys& recipe, const std::string& section);

struct RecipeChanges {
  std::vector<std::string> warnings, errors;  // "batch.documents: 8 in the checkpoint, 16 now"
};

RecipeChanges compare_recipes(const RecipeKeys& saved, const RecipeKeys& current);
// Logs warnings; throws ConfigError listing all errors unless `force`, which turns them into warnings.
void check_resumable(const RecipeKeys& saved, const RecipeKeys& current, bool force, const std::string& checkpoint);

}  // namespace phidias::trainer
