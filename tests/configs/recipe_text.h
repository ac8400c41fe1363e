// Recipes of the tests, and the errors they give.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "configs/run_config.h"

namespace phidias::configs {

// The shortest recipe that is right.
inline const std::string kSmallRecipe =
    "method: sft\n"
    "run: {output: runs/x}\n"
    "model: {path: model}\n"
    "data: {train: chats.jsonl}\n"
    "batch: {documents: 8}\n"
    "optimizer: {learning_rate: 1e-5}\n"
    "stop: {epochs: 1}\n";

using Lines = std::vector<std::string>;

inline RunConfig read_recipe(const std::string& text, const Lines& overrides = {}) { return parse_run_config(text, "r.yaml", overrides); }

// The lines of the error; empty when there is none.
inline Lines recipe_errors(const std::string& text, const Lines& overrides = {}) {
  Lines lines;
  try {
    read_recipe(text, overrides);
  } catch (const ConfigError& error) {
    std::istringstream all(error.what());
    for (std::string line; std::getline(all, line);) lines.push_back(line);
  }
  return lines;
}

// The small recipe with an eighth line; the one of the same section becomes empty.
inline std::string small_recipe_with(const std::string& line) {
  const std::string section = line.substr(0, line.find(':') + 1);
  std::string text;
  std::istringstream lines(kSmallRecipe);
  for (std::string other; std::getline(lines, other);) text += (other.starts_with(section) ? "" : other) + "\n";
  return text + line + "\n";
}

}  // namespace phidias::configs
