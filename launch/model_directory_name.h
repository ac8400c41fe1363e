// The model directory a user means: a Hugging Face or PEFT directory, a run directory (its final/, else its newest checkpoint) or a checkpoint.
#pragma once

#include <filesystem>
#include <string>

namespace phidias::launch {

// Throws CheckpointError when nothing there is a model directory; the text lists what was looked for.
std::filesystem::path resolve_model_directory(const std::string& given);
// The same, or a folder that holds nothing but tokenizer files.
std::filesystem::path resolve_tokenizer_directory(const std::string& given);

// Throws ConfigError when something is there already that writing would mix with; an empty directory is as good as none.
void require_new_directory(const std::filesystem::path& output);

}  // namespace phidias::launch
