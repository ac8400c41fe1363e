// Fields of a config.json object, read one by one; every problem is remembered, so that one message names all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace phidias::models {

// A JSON value as an error shows it, cut to 60 characters.
std::string shown(const Json& value);

// A field that is null counts as absent. A wrong one gives a problem ("prefix + key: is ..., ... is needed") and the value `otherwise`.
class Fields {
 public:
  Fields(const Json& json, std::string prefix, std::vector<std::string>& problems) : json_(json), prefix_(std::move(prefix)), problems_(problems) {}

  void problem(const std::string& key, const std::string& text) { problems_.push_back(prefix_ + key + ": " + text); }
  bool has(const std::string& key) const { return json_.contains(key) && !json_[key].is_null(); }
  const Json& operator[](const std::string& key) const { return json_[key]; }
  const Json& json() const { return json_; }
  std::vector<std::string>& problems() { return problems_; }

  // Absent without `otherwise`: a problem.
  std::int64_t integer(const std::string& key, std::optional<std::int64_t> otherwise, std::int64_t smallest);
  double number(const std::string& key, double otherwise);
  double positive(const std::string& key, double otherwise);
  bool boolean(const std::string& key, bool otherwise);
  std::string text(const std::string& key);
  // A list of positive numbers; absent: a problem.
  std::vector<double> numbers(const std::string& key);

  // The model has no code for any other value.
  void refuse_unless(bool supported, const std::string& key, const std::string& why) {
    if (!supported) problem(key, "is " + (has(key) ? shown(json_[key]) : std::string("missing")) + "; " + why);
  }

 private:
  const Json& json_;
  std::string prefix_;
  std::vector<std::string>& problems_;
};

}  // namespace phidias::models
