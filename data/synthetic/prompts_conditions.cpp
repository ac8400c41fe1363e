#include "data/synthetic/prompts_conditions.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "data/json_objects.h"

namespace phidias::data {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class Value>
bool compare(const Value& left, Comparison comparison, const Value& right) {
  switch (comparison) {
    case Comparison::at_least:
      return left >= right;
    case Comparison::at_most:
      return left <= right;
    case Comparison::above:
      return left > right;
    case Comparison::below:
      return left < right;
    case Comparison::equal:
      return left == right;
    case Comparison::unequal:
      break;
  }
  return left != right;
}

}  // namespace

Condition parse_condition(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Comparison>, 6> kOperators = {{{">=", Comparison::at_least},
                                                                                         {"<=", Comparison::at_most},
                                                                                         {"==", Comparison::equal},
                                                                                         {"!=", Comparison::unequal},
                                                                                         {">", Comparison::above},
                                                                                         {"<", Comparison::below}}};
  for (const auto& [sign, comparison] : kOperators) {
    const std::size_t at = text.find(sign);
    if (at == std::string_view::npos) continue;
    Condition condition;
    condition.name = trimmed(text.substr(0, at));
    condition.comparison = comparison;
    condition.text = trimmed(text.substr(at + sign.size()));
    const char* end = condition.text.data() + condition.text.size();
    const auto [stop, error] = std::from_chars(condition.text.data(), end, condition.number);
    condition.is_number = error == std::errc() && stop == end;
    if (condition.name.empty() || condition.text.empty()) break;
    if (!condition.is_number && comparison != Comparison::equal && comparison != Comparison::unequal)
      throw ConfigError("'" + std::string(text) + "': " + std::string(sign) + " compares with a number");
    return condition;
  }
  throw ConfigError("'" + std::string(text) + "' is no condition; write `name >= 3` or `name == text` (>=, <=, >, <, ==, !=)");
}

const OrderedJson* find_annotation(const OrderedJson& document, std::string_view name) {
  if (const OrderedJson* member = member_at(document, name)) return member;
  const OrderedJson* annotations = member_at(document, "annotations");
  return annotations == nullptr ? nullptr : member_at(*annotations, name);
}

bool holds(const Condition& condition, const OrderedJson& document) {
  const OrderedJson* value = find_annotation(document, condition.name);
  if (value == nullptr) return false;
  const bool is_order = condition.comparison != Comparison::equal && condition.comparison != Comparison::unequal;
  if (value->is_string() && is_order) return false;
  if (value->is_string()) return compare<std::string>(value->get<std::string>(), condition.comparison, condition.text);
  if (value->is_boolean() && !condition.is_number) return compare<std::string>(value->dump(), condition.comparison, condition.text);
  if (!condition.is_number || !(value->is_number() || value->is_boolean())) return false;
  return compare(value->is_boolean() ? (value->get<bool>() ? 1.0 : 0.0) : value->get<double>(), condition.comparison, condition.number);
}

}  // namespace phidias::data
