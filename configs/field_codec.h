// One field: value -> member with every check, member -> YAML text, and the words of the reference page.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "configs/enum_names.h"
#include "configs/field.h"
#include "configs/value.h"

namespace phidias::configs {

// What reading one field needs to know: its full key path, its description, and where problems go.
struct FieldContext {
  std::string path;
  const Field& field;
  Problems& problems;
};

// A member keeps its value when a problem is found. Values are never null here (null gives the default back).
void read_value(const Value& value, const FieldContext& context, std::string& member);
void read_value(const Value& value, const FieldContext& context, bool& member);
void read_value(const Value& value, const FieldContext& context, std::int64_t& member);
void read_value(const Value& value, const FieldContext& context, double& member);
void read_value(const Value& value, const FieldContext& context, std::vector<std::string>& member);
void read_value(const Value& value, const FieldContext& context, std::vector<double>& member);
void read_value(const Value& value, const FieldContext& context, std::vector<std::int64_t>& member);
void read_value(const Value& value, const FieldContext& context, std::map<std::string, std::int64_t>& member);
// Index of the word, or nothing and a problem. `fixed` is the only index available in this version when the field says so.
std::optional<std::size_t> read_word(const Value& value, const FieldContext& context, std::span<const std::string_view> words, std::size_t fixed);

template <class Enum>
  requires std::is_enum_v<Enum>
void read_value(const Value& value, const FieldContext& context, Enum& member) {
  const auto index = read_word(value, context, enum_names<Enum>, static_cast<std::size_t>(member));
  if (index) member = static_cast<Enum>(*index);
}

template <class T>
void read_value(const Value& value, const FieldContext& context, std::optional<T>& member) {
  T given{};
  const std::size_t problems_before = context.problems.size();
  read_value(value, context, given);
  if (context.problems.size() == problems_before) member = given;
}

// As YAML (flow style for lists and maps); "null" for what is not given.
std::string print_value(const std::string& member, const Field& field);
std::string print_value(bool member, const Field& field);
std::string print_value(std::int64_t member, const Field& field);
std::string print_value(double member, const Field& field);
std::string print_value(const std::vector<std::string>& member, const Field& field);
std::string print_value(const std::vector<double>& member, const Field& field);
std::string print_value(const std::vector<std::int64_t>& member, const Field& field);
std::string print_value(const std::map<std::string, std::int64_t>& member, const Field& field);

template <class Enum>
  requires std::is_enum_v<Enum>
std::string print_value(Enum member, const Field&) {
  return std::string(enum_name(member));
}

template <class T>
std::string print_value(const std::optional<T>& member, const Field& field) {
  return member ? print_value(*member, field) : "null";
}

// "an integer, at least 1", "one of none, mlp, block": what an error and the reference page say is expected.
std::string describe_type(const std::string& member, const Field& field);
std::string describe_type(bool member, const Field& field);
std::string describe_type(std::int64_t member, const Field& field);
std::string describe_type(double member, const Field& field);
std::string describe_type(const std::vector<std::string>& member, const Field& field);
std::string describe_type(const std::vector<double>& member, const Field& field);
std::string describe_type(const std::vector<std::int64_t>& member, const Field& field);
std::string describe_type(const std::map<std::string, std::int64_t>& member, const Field& field);
std::string describe_words(std::span<const std::string_view> words, const Field& field);

template <class Enum>
  requires std::is_enum_v<Enum>
std::string describe_type(Enum member, const Field& field) {
  if (field.only_default) return "only `" + std::string(enum_name(member)) + "` in this version";
  return describe_words(enum_names<Enum>, field);
}

template <class T>
std::string describe_type(const std::optional<T>&, const Field& field) {
  return describe_type(T{}, field);
}

}  // namespace phidias::configs
