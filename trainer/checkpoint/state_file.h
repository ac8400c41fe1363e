// state.json of a checkpoint: what TrainState holds, and the recipe it came from.
#pragma once

#include <filesystem>
#include <string>

#include "trainer/checkpoint/recipe_rules.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

struct SavedState {
  TrainState state;
  RecipeKeys recipe;
  int world_size = 1;  // for the record: any other may continue
};

void write_state_file(const std::filesystem::path& path, const SavedState& saved);
// Throw CheckpointError; `where` names the text in it.
SavedState read_state_file(const std::filesystem::path& path);
SavedState parse_state(const std::string& text, const std::string& where);

}  // namespace phidias::trainer
