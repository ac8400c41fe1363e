#include "configs/overrides.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "configs/scalars.h"
#include "configs/yaml_document.h"

namespace phidias::configs {

namespace {

std::optional<Value> parse_override_value(const std::string& text, const Position& position, Problems& problems) {
  if (!text.empty() && std::string_view("[{\"'").find(text[0]) != std::string_view::npos) return parse_yaml_at(text, position, problems);
  Value value;
  value.position = position;
  if (is_null_word(text)) return value;
  value.kind = Value::Kind::scalar;
  value.text = text;
  return value;
}

bool is_one_line(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

// The value at `keys`, made when absent; nullptr and a problem when the way leads through something that is no section.
Value* find_or_make(Value& document, const std::vector<std::string>& keys, const Position& position, Problems& problems) {
  Value* value = &document;
  std::string path;
  for (const std::string& key : keys) {
    if (value->is_null()) {
      value->kind = Value::Kind::map;
      value->position = position;
    }
    if (value->kind != Value::Kind::map) {
      problems.add(position, path, "is " + value->described() + " here, no section: give it whole");
      return nullptr;
    }
    Value* next = value->find(key);
    if (next == nullptr) {
      value->keys.push_back(key);
      value->key_positions.push_back(position);
      next = &value->items.emplace_back();
      next->position = position;
    }
    path += (path.empty() ? "" : ".") + key;
    value = next;
  }
  return value;
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> keys(1);
  for (const char c : path) {
    if (c == '.')
      keys.emplace_back();
    else
      keys.back() += c;
  }
  return keys;
}

}  // namespace

void apply_overrides(Value& document, const std::vector<std::string>& overrides, Problems& problems) {
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    // Problems are told in the order of (line, column): the column of an override, which is not shown, is its number.
    const Position position{"override " + std::to_string(i + 1), 0, static_cast<int>(i + 1)};
    const std::size_t equals = overrides[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.add(position, "", "expected key.path=value, found '" + overrides[i] + "'");
      continue;
    }
    const std::string path = overrides[i].substr(0, equals);
    const std::vector<std::string> keys = split_path(path);
    if (std::any_of(keys.begin(), keys.end(), [](const std::string& key) { return key.empty(); }) || !is_one_line(path)) {
      problems.add(position, path, "expected a key path such as optimizer.learning_rate");
      continue;
    }
    std::optional<Value> value = parse_override_value(overrides[i].substr(equals + 1), position, problems);
    if (!value) continue;
    if (Value* target = find_or_make(document, keys, position, problems)) *target = std::move(*value);
  }
}

}  // namespace phidias::configs
