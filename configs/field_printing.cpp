#include <algorithm>
#include <cmath>

#include "configs/field_codec.h"
#include "configs/scalars.h"

namespace phidias::configs {

namespace {

// Bounds are written as people write them: 0, 1, 0.5.
std::string range(const Field& field) {
  const bool has_minimum = std::isfinite(field.minimum), has_maximum = std::isfinite(field.maximum);
  const std::string low = (field.is_above ? "above " : "at least ") + print_number(field.minimum);
  const std::string high = (field.is_below ? "below " : "at most ") + print_number(field.maximum);
  if (has_minimum && has_maximum) return ", " + low + " and " + high;
  if (has_minimum) return ", " + low;
  return has_maximum ? ", " + high : "";
}

std::string joined(const std::vector<std::string>& parts, const char* open, const char* close) {
  std::string text = open;
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ", ") + parts[i];
  return text + close;
}

template <class T>
std::string print_list(const std::vector<T>& member, const Field& field) {
  std::vector<std::string> parts;
  for (const T& element : member) parts.push_back(print_value(element, field));
  return joined(parts, "[", "]");
}

template <class T>
std::string describe_list(const Field& field) {
  const std::string count = field.length == 0 ? "a list" : "a list of " + std::to_string(field.length);
  return count + ", each " + describe_type(T{}, field);
}

}  // namespace

std::string print_value(const std::string& member, const Field&) { return member.empty() ? "null" : print_text(member); }
std::string print_value(bool member, const Field&) { return member ? "true" : "false"; }
std::string print_value(std::int64_t member, const Field& field) {
  return !field.unset.empty() && member == field.unset_value ? std::string(field.unset) : std::to_string(member);
}
std::string print_value(double member, const Field& field) { return print_number(member) + (field.is_duration ? "s" : ""); }
std::string print_value(const std::vector<std::string>& member, const Field& field) { return print_list(member, field); }
std::string print_value(const std::vector<double>& member, const Field& field) { return print_list(member, field); }
std::string print_value(const std::vector<std::int64_t>& member, const Field& field) { return print_list(member, field); }
std::string print_value(const std::map<std::string, std::int64_t>& member, const Field& field) {
  std::vector<std::string> parts;
  for (const auto& [key, number] : member) parts.push_back(print_text(key) + ": " + print_value(number, field));
  return joined(parts, "{", "}");
}

std::string describe_words(std::span<const std::string_view> words, const Field& field) {
  std::vector<std::string> available;
  for (const std::string_view word : words)
    if (std::find(field.later.begin(), field.later.end(), word) == field.later.end()) available.emplace_back(word);
  return joined(available, available.size() == 1 ? "" : "one of ", "");
}

std::string describe_type(const std::string&, const Field& field) { return field.values.empty() ? "a text" : describe_words(field.values, field); }
std::string describe_type(bool, const Field&) { return "true or false"; }
std::string describe_type(std::int64_t member, const Field& field) {
  if (field.only_default) return "only " + std::to_string(member) + " in this version";
  const bool has_word = !field.unset.empty() && field.unset != "null";
  return (has_word ? std::string(field.unset) + " or an integer" : "an integer") + range(field);
}
std::string describe_type(double, const Field& field) { return (field.is_duration ? "a time" : "a number") + range(field); }
std::string describe_type(const std::vector<std::string>&, const Field& field) { return describe_list<std::string>(field); }
std::string describe_type(const std::vector<double>&, const Field& field) { return describe_list<double>(field); }
std::string describe_type(const std::vector<std::int64_t>&, const Field& field) { return describe_list<std::int64_t>(field); }
std::string describe_type(const std::map<std::string, std::int64_t>&, const Field& field) {
  return "a section of `name: " + describe_type(std::int64_t{}, field) + "`";
}

}  // namespace phidias::configs
