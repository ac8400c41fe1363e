// Recipes on disk for the tests, and the errors they give.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
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

// A file that is gone when the test is over. Errors are read with its name cut to "r.yaml".
class RecipeFile {
 public:
  explicit RecipeFile(const std::string& text) {
    folder_ = std::filesystem::temp_directory_path() / ("phidias-configs-" + std::to_string(::getpid()) + "-" + std::to_string(next_++));
    std::filesystem::create_directories(folder_);
    std::ofstream(path(), std::ios::binary) << text;
  }
  ~RecipeFile() { std::filesystem::remove_all(folder_); }
  RecipeFile(const RecipeFile&) = delete;
  RecipeFile& operator=(const RecipeFile&) = delete;

  std::string path() const { return (folder_ / "r.yaml").string(); }
  RunConfig read(const std::vector<std::string>& overrides = {}) const { return read_run_config(path(), overrides); }

  // The lines of the error; empty when there is none.
  std::vector<std::string> errors(const std::vector<std::string>& overrides = {}) const {
    std::vector<std::string> lines;
    try {
      read(overrides);
    } catch (const ConfigError& error) {
      std::istringstream text(error.what());
      for (std::string line; std::getline(text, line);) lines.push_back(shortened(line));
    }
    return lines;
  }

 private:
  std::string shortened(std::string line) const {
    const std::string folder = folder_.string() + "/";
    for (std::size_t at = line.find(folder); at != std::string::npos; at = line.find(folder)) line.erase(at, folder.size());
    return line;
  }

  std::filesystem::path folder_;
  inline static int next_ = 0;
};

using Lines = std::vector<std::string>;

inline RunConfig read_recipe(const std::string& text, const Lines& overrides = {}) { return RecipeFile(text).read(overrides); }
inline Lines recipe_errors(const std::string& text, const Lines& overrides = {}) { return RecipeFile(text).errors(overrides); }
// The small recipe with an eighth line; the one of the same section becomes empty.
inline std::string small_recipe_with(const std::string& line) {
  const std::string section = line.substr(0, line.find(':') + 1);
  std::string text;
  std::istringstream lines(kSmallRecipe);
  for (std::string other; std::getline(lines, other);)
    text += (other.starts_with(section) ? "" : other) + "\n";
  return text + line + "\n";
}

}  // namespace phidias::configs
