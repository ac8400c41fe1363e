#include <algorithm>

#include "configs/field_codec.h"
#include "configs/nearest.h"
#include "configs/scalars.h"

namespace phidias::configs {

namespace {

void wrong_type(const Value& value, const FieldContext& context, const std::string& expected) {
  const std::string advice = value.kind == Value::Kind::scalar && !value.quoted ? number_advice(value.text) : "";
  context.problems.add(value.position, context.path, "expected " + expected + ", found " + value.described() + (advice.empty() ? "" : " (" + advice + ")"));
}

bool in_range(double number, const Field& field) {
  const bool is_high_enough = field.is_above ? number > field.minimum : number >= field.minimum;
  const bool is_low_enough = field.is_below ? number < field.maximum : number <= field.maximum;
  return is_high_enough && is_low_enough;
}

const std::string kNotAvailable = " is not available in this version of the program";

// The elements of a list; a single scalar stands for a list of one.
std::vector<const Value*> elements(const Value& value) {
  std::vector<const Value*> list;
  if (value.kind == Value::Kind::scalar) list.push_back(&value);
  for (const Value& item : value.items) list.push_back(&item);
  return list;
}

template <class T>
void read_list(const Value& value, const FieldContext& context, std::vector<T>& member) {
  if (value.kind == Value::Kind::map) return wrong_type(value, context, describe_type(member, context.field));
  const std::size_t problems_before = context.problems.size();
  std::vector<T> given;
  const std::vector<const Value*> list = elements(value);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const FieldContext element{context.path + "[" + std::to_string(i) + "]", context.field, context.problems};
    given.emplace_back();
    if (list[i]->is_null())
      wrong_type(*list[i], element, describe_type(given.back(), context.field));
    else
      read_value(*list[i], element, given.back());
  }
  if (context.field.length != 0 && list.size() != context.field.length)
    context.problems.add(value.position, context.path, "expected " + describe_type(member, context.field) + ", found " + value.described());
  if (context.problems.size() == problems_before) member = std::move(given);
}

// Refuses a word: one that is known but not available by that reason, any other with the nearest valid one.
bool check_word(const Value& value, const FieldContext& context, const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), value.text) != words.end()) return true;
  if (std::find(context.field.later.begin(), context.field.later.end(), value.text) != context.field.later.end()) {
    context.problems.add(value.position, context.path, "'" + value.text + "'" + kNotAvailable);
    return false;
  }
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  context.problems.add(value.position, context.path, "expected one of " + list + "; found " + value.described() + suggestion(value.text, words));
  return false;
}

}  // namespace

void read_value(const Value& value, const FieldContext& context, std::string& member) {
  if (value.kind != Value::Kind::scalar) return wrong_type(value, context, describe_type(member, context.field));
  if (value.text.empty()) {
    context.problems.add(value.position, context.path, "expected a text, found an empty one (null gives the default)");
    return;
  }
  if (!context.field.values.empty()) {
    const std::vector<std::string> words(context.field.values.begin(), context.field.values.end());
    if (!check_word(value, context, words)) return;
  }
  member = value.text;
}

void read_value(const Value& value, const FieldContext& context, bool& member) {
  const auto truth = value.kind == Value::Kind::scalar && !value.quoted ? parse_truth(value.text) : std::nullopt;
  if (!truth) return wrong_type(value, context, "true or false");
  member = *truth;
}

void read_value(const Value& value, const FieldContext& context, std::int64_t& member) {
  const bool is_plain = value.kind == Value::Kind::scalar && !value.quoted;
  if (is_plain && !context.field.unset.empty() && value.text == context.field.unset) {
    member = context.field.unset_value;
    return;
  }
  const auto integer = is_plain ? parse_integer(value.text) : std::nullopt;
  if (!integer || !in_range(static_cast<double>(*integer), context.field)) return wrong_type(value, context, describe_type(member, context.field));
  if (context.field.only_default && *integer != member) {
    context.problems.add(value.position, context.path, value.text + kNotAvailable + ", only " + std::to_string(member) + " is");
    return;
  }
  member = *integer;
}

void read_value(const Value& value, const FieldContext& context, double& member) {
  const bool is_plain = value.kind == Value::Kind::scalar && !value.quoted;
  const auto number = !is_plain ? std::nullopt : context.field.is_duration ? parse_duration(value.text) : parse_number(value.text);
  if (!number || !in_range(*number, context.field)) return wrong_type(value, context, describe_type(member, context.field));
  member = *number;
}

void read_value(const Value& value, const FieldContext& context, std::vector<std::string>& member) { read_list(value, context, member); }
void read_value(const Value& value, const FieldContext& context, std::vector<double>& member) { read_list(value, context, member); }
void read_value(const Value& value, const FieldContext& context, std::vector<std::int64_t>& member) { read_list(value, context, member); }

void read_value(const Value& value, const FieldContext& context, std::map<std::string, std::int64_t>& member) {
  if (value.kind != Value::Kind::map) return wrong_type(value, context, describe_type(member, context.field));
  const std::size_t problems_before = context.problems.size();
  std::map<std::string, std::int64_t> given;
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    const FieldContext element{context.path + "." + value.keys[i], context.field, context.problems};
    if (value.keys[i].empty()) context.problems.add(value.key_positions[i], context.path, "an empty text cannot be a key");
    if (value.items[i].is_null())
      wrong_type(value.items[i], element, describe_type(std::int64_t{}, context.field));
    else
      read_value(value.items[i], element, given[value.keys[i]]);
  }
  if (context.problems.size() == problems_before) member = std::move(given);
}

std::optional<std::size_t> read_word(const Value& value, const FieldContext& context, std::span<const std::string_view> words, std::size_t fixed) {
  std::vector<std::string> available;
  for (const std::string_view word : words)
    if (std::find(context.field.later.begin(), context.field.later.end(), word) == context.field.later.end()) available.emplace_back(word);
  if (value.kind != Value::Kind::scalar) {
    wrong_type(value, context, describe_words(words, context.field));
    return std::nullopt;
  }
  if (!check_word(value, context, available)) return std::nullopt;
  const auto index = static_cast<std::size_t>(std::find(words.begin(), words.end(), value.text) - words.begin());
  if (context.field.only_default && index != fixed) {
    context.problems.add(value.position, context.path, "'" + value.text + "'" + kNotAvailable + ", only '" + std::string(words[fixed]) + "' is");
    return std::nullopt;
  }
  return index;
}

}  // namespace phidias::configs
