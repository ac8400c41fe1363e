// The files of a model directory that decide about its numbers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace phidias::data::pipeline {

// Weights, configuration and tokenizer of a Hugging Face directory, of a run directory those of its `final/`; sorted. For the hashes in a manifest.
std::vector<std::filesystem::path> model_files(const std::string& directory);

// Of a directory that `phidias data train-head` wrote: its own, and those of the encoder that it names. Throws DataError without head.json.
std::vector<std::filesystem::path> head_files(const std::string& directory);

}  // namespace phidias::data::pipeline
