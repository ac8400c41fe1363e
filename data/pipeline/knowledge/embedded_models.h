// Trained models whose files are part of the program (data/pipeline/knowledge/models).
#pragma once

#include <string_view>

namespace phidias::data::pipeline {

std::string_view embedded_language_model();   // language.model, made by scripts/train_language_model.py
std::string_view embedded_ephemeral_model();  // ephemeral.model, made by the program train_ephemeral_model

}  // namespace phidias::data::pipeline
