#include "configs/settings_file.h"

#include <optional>

#include "configs/nearest.h"
#include "configs/overrides.h"
#include "configs/source_text.h"
#include "configs/yaml_document.h"

namespace phidias::configs {

Value read_settings_document(const std::string& path, const std::vector<std::string>& overrides, Problems& problems) {
  const std::string text = read_source_text(path);
  check_source_text(text, path);
  std::optional<Value> parsed = parse_yaml(text, path, problems);
  if (!parsed) problems.throw_if_any();
  if (parsed->kind == Value::Kind::scalar || parsed->kind == Value::Kind::list) {
    problems.add(parsed->position, "", "expected sections (key: value), found " + parsed->described());
    problems.throw_if_any();
  }
  parsed->position = {path, 0, 0};
  apply_overrides(*parsed, overrides, problems);
  return *std::move(parsed);
}

std::string explain_unknown_setting(const std::string& path, const std::vector<std::string>& keys_here) {
  const std::string key = path.substr(path.rfind('.') + 1);
  if (const auto meant = nearest(key, keys_here)) return "unknown key; did you mean " + *meant + "?";
  std::string list;
  for (const std::string& valid : keys_here) list += (list.empty() ? "" : ", ") + valid;
  return "unknown key; valid here: " + list;
}

void add_problem(ReadState& state, const std::string& key, const std::string& text) {
  const auto given = state.given.find(key);
  state.problems.add(given != state.given.end() ? given->second : Position{state.source, 0, 0}, key, text);
}

}  // namespace phidias::configs
