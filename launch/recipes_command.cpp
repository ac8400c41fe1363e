#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "configs/run_config.h"
#include "launch/commands.h"

namespace phidias::launch {
namespace {

namespace fs = std::filesystem;

// In a source tree the program lies in build/bin, in an installation in bin with share/phidias beside it.
fs::path recipes_folder() {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& candidate : {bin / ".." / ".." / "recipes", bin / ".." / "share" / "phidias" / "recipes"}) {
    if (fs::is_directory(candidate)) return fs::canonical(candidate);
  }
  throw ConfigError("the shipped recipes are not beside the program");
}

std::vector<std::string> recipe_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") names.push_back(fs::relative(entry.path(), folder).replace_extension().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_recipe(const std::string& name) {
  const fs::path folder = recipes_folder();
  const fs::path path = folder / (name + ".yaml");
  if (fs::exists(path)) return path;
  std::string known;
  for (const std::string& other : recipe_names(folder)) known += "\n  " + other;
  throw ConfigError("no shipped recipe is called " + name + "; there are:" + known);
}

// The first comment line says what the recipe is for.
std::string purpose(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line.starts_with("# ") ? line.substr(2) : line;
}

}  // namespace

int run_recipes(const RecipesCommand& command) {
  if (command.action == "list") {
    const fs::path folder = recipes_folder();
    for (const std::string& name : recipe_names(folder)) std::printf("%-28s %s\n", name.c_str(), purpose(folder / (name + ".yaml")).c_str());
  } else if (command.action == "show") {
    std::fputs(read_file(find_recipe(command.name)).c_str(), stdout);
  } else if (command.action == "copy") {
    if (fs::exists(command.output)) throw ConfigError(command.output + " exists already; name another file");
    write_file_atomic(command.output, read_file(find_recipe(command.name)));
  } else {
    std::fputs(configs::dump_run_config(configs::read_run_config(command.name, command.overrides)).c_str(), stdout);
  }
  return 0;
}

}  // namespace phidias::launch
