// Conditions on documents of a pipeline: "educational.score >= 3", "language == en".
#pragma once

#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace phidias::data {

enum class Comparison { at_least, at_most, above, below, equal, unequal };

struct Condition {
  std::string name;  // member, else annotation
  Comparison comparison = Comparison::equal;
  std::string text;
  double number = 0;
  bool is_number = false;
};

// Throws ConfigError without a location.
Condition parse_condition(std::string_view text);
// A member of the document or of its `annotations`, or nullptr.
const OrderedJson* find_annotation(const OrderedJson& document, std::string_view name);
// False for a document that lacks what the condition names.
bool holds(const Condition& condition, const OrderedJson& document);

}  // namespace phidias::data
