// The visitor that fills a struct from a section of a parsed document and finds every mistake in it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "configs/field_codec.h"
#include "configs/named.h"
#include "configs/value.h"

namespace phidias::configs {

// What all readers of one document share.
struct ReadState {
  std::string source;  // the document's name, for what has no position
  Problems& problems;
  // Full key path -> where its value stands, for every key with a value, right or wrong: checks across keys use it to place their errors
  // and to leave out what follows from an error already told.
  std::map<std::string, Position> given = {};

  // The text after "unknown key" for a path that the section does not have: what was meant, or that it comes in a later version.
  std::string (*explain_unknown)(const std::string& path, const std::vector<std::string>& keys_here) = nullptr;
};

class Reader {
 public:
  // Reads from `section`, a map or null; `path` is its full key path, empty for the document.
  Reader(const Value& section, std::string path, ReadState& state) : section_(section), path_(std::move(path)), state_(state) {}

  template <class T>
  void field(T& member, const Field& field) {
    const Value* value = take(field);
    if (value == nullptr) return;
    read_value(*value, {path_of(field.key), field, state_.problems}, member);
  }

  // A list of structs; a scalar stands for one struct with that `path`, a section for a list of one.
  template <class Struct>
    requires requires(Struct& s, Reader& reader) { visit(s, reader); }
  void field(std::vector<Struct>& member, const Field& field) {
    const Value* value = take(field);
    if (value == nullptr) return;
    if (value->kind == Value::Kind::list) {
      if (value->items.empty() && field.required) missing(field, value->position);
      for (std::size_t i = 0; i < value->items.size(); ++i)
        member.push_back(element<Struct>(value->items[i], path_of(field.key) + "[" + std::to_string(i) + "]"));
    } else {
      member.push_back(element<Struct>(*value, path_of(field.key)));
    }
  }

  // A section whose keys are names, each with a struct (configs/named.h).
  template <class Struct>
  void field(Named<Struct>& member, const Field& field) {
    const Value* value = take(field);
    if (value == nullptr) return;
    if (value->kind != Value::Kind::map) {
      state_.problems.add(value->position, path_of(field.key), "expected a section (name: ...), found " + value->described());
      return;
    }
    if (value->items.empty() && field.required) missing(field, value->position);
    for (std::size_t i = 0; i < value->items.size(); ++i) {
      const std::string path = path_of(field.key) + "." + value->keys[i];
      state_.given[path] = value->key_positions[i];
      Value item = value->items[i];
      if (item.position.source.empty()) item.position = value->key_positions[i];
      member.emplace_back(value->keys[i], element<Struct>(item, path));
    }
  }

  template <class Struct>
  void section(Struct& member, const Field& field) {
    keys_.emplace_back(field.key);
    static const Value kAbsent;
    const Value* value = section_.find(field.key);
    if (value != nullptr && !value->is_null()) state_.given[path_of(field.key)] = value->position;
    if (value != nullptr && value->kind != Value::Kind::null && value->kind != Value::Kind::map) {
      state_.problems.add(value->position, path_of(field.key), "expected a section (key: value), found " + value->described());
      return;
    }
    Reader reader(value != nullptr ? *value : kAbsent, path_of(field.key), state_);
    visit(member, reader);
    reader.finish();
  }

  void first_key(std::string& member) {
    const auto first = std::find_if(section_.items.begin(), section_.items.end(), [](const Value& value) { return !value.is_null(); });
    if (first != section_.items.end()) member = section_.keys[static_cast<std::size_t>(first - section_.items.begin())];
  }

  // After the last field: whatever else stands in the section is unknown.
  void finish() {
    for (std::size_t i = 0; i < section_.keys.size(); ++i) {
      const std::string& key = section_.keys[i];
      if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) continue;
      const std::string path = path_of(key);
      state_.problems.add(section_.key_positions[i], path, state_.explain_unknown(path, keys_));
    }
  }

 private:
  std::string path_of(std::string_view key) const { return path_.empty() ? std::string(key) : path_ + "." + std::string(key); }

  // The value of a field, or nullptr when the default stays.
  const Value* take(const Field& field) {
    keys_.emplace_back(field.key);
    const Value* value = section_.find(field.key);
    if (value != nullptr && !value->is_null()) {
      state_.given[path_of(field.key)] = value->position;
      return value;
    }
    if (field.required) missing(field, value != nullptr ? value->position : section_.position);
    return nullptr;
  }

  void missing(const Field& field, const Position& position) {
    state_.problems.add(position.source.empty() ? Position{state_.source, 0, 0} : position, path_of(field.key), "required: " + std::string(field.doc));
  }

  template <class Struct>
  Struct element(const Value& value, const std::string& path) {
    Struct item;
    Value as_section = value;
    if (value.kind == Value::Kind::scalar || (value.kind == Value::Kind::list && lists_stand_for<Struct>())) {
      as_section.kind = Value::Kind::map;
      as_section.keys = {short_form<Struct>()};
      as_section.key_positions = {value.position};
      as_section.items = {value};
    } else if (value.kind == Value::Kind::list) {
      state_.problems.add(value.position, path, "expected a path or a section with a path, found " + value.described());
      return item;
    }
    Reader reader(as_section, path, state_);
    visit(item, reader);
    reader.finish();
    return item;
  }

  // The field that a bare value in a struct's place stands for: `path`, or what the struct names.
  template <class Struct>
  static std::string short_form() {
    if constexpr (requires { Struct::kShortForm; })
      return Struct::kShortForm;
    else
      return "path";
  }
  template <class Struct>
  static constexpr bool lists_stand_for() {
    return requires { Struct::kShortForm; };
  }

  const Value& section_;
  std::string path_;
  ReadState& state_;
  std::vector<std::string> keys_;
};

}  // namespace phidias::configs
