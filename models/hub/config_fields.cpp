#include "models/hub/config_fields.h"

#include <cmath>

namespace phidias::models {

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

std::int64_t Fields::integer(const std::string& key, std::optional<std::int64_t> otherwise, std::int64_t smallest) {
  if (!has(key)) {
    if (!otherwise) problem(key, "is missing");
    return otherwise.value_or(smallest);
  }
  const Json& value = json_[key];
  if (value.is_number_integer() && value.get<std::int64_t>() >= smallest && value.get<double>() < 9e18) return value.get<std::int64_t>();
  problem(key, "is " + shown(value) + ", an integer from " + std::to_string(smallest) + " on is needed");
  return otherwise.value_or(smallest);
}

double Fields::number(const std::string& key, double otherwise) {
  if (!has(key)) return otherwise;
  if (json_[key].is_number()) return json_[key].get<double>();
  problem(key, "is " + shown(json_[key]) + ", a number is needed");
  return otherwise;
}

double Fields::positive(const std::string& key, double otherwise) {
  const double value = number(key, otherwise);
  if (value > 0 && std::isfinite(value)) return value;
  problem(key, "is " + shown(json_[key]) + ", a positive number is needed");
  return otherwise;
}

bool Fields::boolean(const std::string& key, bool otherwise) {
  if (!has(key)) return otherwise;
  if (json_[key].is_boolean()) return json_[key].get<bool>();
  problem(key, "is " + shown(json_[key]) + ", true or false is needed");
  return otherwise;
}

std::string Fields::text(const std::string& key) {
  if (!has(key)) return "";
  if (json_[key].is_string()) return json_[key].get<std::string>();
  problem(key, "is " + shown(json_[key]) + ", text is needed");
  return "";
}

std::vector<double> Fields::numbers(const std::string& key) {
  std::vector<double> values;
  if (!has(key) || !json_[key].is_array()) {
    problem(key, has(key) ? "is not a list" : "is missing");
    return values;
  }
  for (const Json& value : json_[key]) {
    if (!value.is_number() || !(value.get<double>() > 0)) {
      problem(key, "holds " + shown(value) + ", positive numbers are needed");
      return {};
    }
    values.push_back(value.get<double>());
  }
  return values;
}

}  // namespace phidias::models
