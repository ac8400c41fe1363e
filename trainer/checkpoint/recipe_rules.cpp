#include "trainer/checkpoint/recipe_rules.h"

#include <set>
#include <sstream>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"

namespace phidias::trainer {
namespace {

enum class Change { free, warned, refused };

Change rule_for(const std::string& section, const std::string& key) {
  static const std::set<std::string> kFreeSections = {"log", "checkpoint", "evaluation", "parallel", "stop"};
  static const std::set<std::string> kFreeKeys = {"run.name", "run.output", "data.cache"};
  static const std::set<std::string> kWarnedSections = {"optimizer", "schedule"};
  if (kFreeSections.contains(section) || kFreeKeys.contains(section + "." + key)) return Change::free;
  if (kWarnedSections.contains(section) || (section == "batch" && key.starts_with("micro_"))) return Change::warned;
  return Change::refused;
}

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string lookup(const RecipeKeys& recipe, const std::string& section, const std::string& key) {
  const auto found = recipe.find(section);
  if (found == recipe.end()) return "";
  const auto value = found->second.find(key);
  // A key that was not there when the checkpoint was written, and one at null, are both not set.
  return value == found->second.end() || value->second == "null" ? "" : value->second;
}

}  // namespace

RecipeKeys recipe_keys(const std::string& yaml) {
  RecipeKeys recipe;
  std::string section, key, line;
  for (std::istringstream lines(yaml); std::getline(lines, line);) {
    const auto indent = line.find_first_not_of(' ');
    if (indent == std::string::npos || line[indent] == '#') continue;
    const auto colon = line.find(':');
    if (indent == 0 && colon != std::string::npos) {
      section = line.substr(0, colon);
      key.clear();
      recipe[section];
      if (const std::string scalar = trim(line.substr(colon + 1)); !scalar.empty()) recipe[section][""] = scalar;
    } else if (indent == 2 && colon != std::string::npos && line[indent] != '-') {
      key = line.substr(indent, colon - indent);
      recipe[section][key] = trim(line.substr(colon + 1));
    } else {
      std::string& text = recipe[section][key];
      text += (text.empty() ? "" : " ") + trim(line);
    }
  }
  return recipe;
}

std::string section_hash(const RecipeKeys& recipe, const std::string& section) {
  std::string text;
  for (const auto& [key, value] : recipe.at(section)) text += key + "=" + value + "\n";
  return hash_string(text).hex();
}

RecipeChanges compare_recipes(const RecipeKeys& saved, const RecipeKeys& current) {
  std::set<std::pair<std::string, std::string>> keys;
  for (const RecipeKeys* recipe : {&saved, &current})
    for (const auto& [section, values] : *recipe)
      for (const auto& [key, text] : values) keys.emplace(section, key);
  RecipeChanges changes;
  for (const auto& [section, key] : keys) {
    const std::string before = lookup(saved, section, key), now = lookup(current, section, key);
    const Change rule = rule_for(section, key);
    if (before == now || rule == Change::free) continue;
    const std::string text = section + (key.empty() ? "" : "." + key) + ": " + (before.empty() ? "not set" : before) + " in the checkpoint, " +
                             (now.empty() ? "not set" : now) + " now";
    (rule == Change::warned ? changes.warnings : changes.errors).push_back(text);
  }
  return changes;
}

void check_resumable(const RecipeKeys& saved, const RecipeKeys& current, bool force, const std::string& checkpoint) {
  const RecipeChanges changes = compare_recipes(saved, current);
  for (const std::string& text : changes.warnings) log_warning("resuming with a changed recipe: " + text);
  std::string message = "the recipe differs from the one of checkpoint " + checkpoint + ":";
  for (const std::string& text : changes.errors) {
    if (force) log_warning("resuming by force with a changed recipe: " + text);
    message += "\n  " + text;
  }
  if (!force && !changes.errors.empty())
    throw ConfigError(message + "\nput the old values back, choose another run.output, or set checkpoint.resume to force (continue) or never (start anew)");
}

}  // namespace phidias::trainer
