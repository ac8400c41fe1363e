// Reading a JSON file field by field, with errors that name the file and the field.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/tokenizers/definition.h"

namespace phidias::data {

// A value and the path to it ("tokenizer.json: model.vocab"). An absent field reads as null.
class JsonField {
 public:
  JsonField(simdjson::dom::element value, std::string path) : value_(value), path_(std::move(path)) {}
  explicit JsonField(std::string path) : path_(std::move(path)) {}

  [[noreturn]] void fail(const std::string& what) const { throw DataError(path_ + ": " + what); }
  const std::string& path() const { return path_; }

  bool is_null() const { return !value_ || value_->is_null(); }
  bool has(std::string_view key) const { return is_object() && value_->get_object()[key].error() == simdjson::SUCCESS; }
  bool is_string() const { return value_ && value_->is_string(); }
  bool is_object() const { return value_ && value_->is_object(); }
  bool is_array() const { return value_ && value_->is_array(); }
  bool is_bool() const { return value_ && value_->is_bool(); }

  JsonField operator[](std::string_view key) const {
    const std::string path = path_ + (path_.ends_with(": ") ? "" : ".") + std::string(key);
    simdjson::dom::element child;
    if (!is_object() || value_->get_object()[key].get(child) != simdjson::SUCCESS) return JsonField(path);
    return {child, path};
  }
  simdjson::dom::object object() const {
    if (!is_object()) fail("an object was expected");
    return value_->get_object().value_unsafe();
  }
  simdjson::dom::array array() const {
    if (!is_array()) fail("a list was expected");
    return value_->get_array().value_unsafe();
  }
  std::string string() const {
    if (!is_string()) fail("a string was expected");
    return std::string(value_->get_string().value_unsafe());
  }
  bool boolean() const {
    if (!is_bool()) fail("true or false was expected");
    return value_->get_bool().value_unsafe();
  }
  bool boolean_or(bool fallback) const { return is_null() ? fallback : boolean(); }
  std::int64_t integer(std::int64_t low, std::int64_t high) const {
    std::int64_t number = 0;
    if (!value_ || value_->get(number) != simdjson::SUCCESS || number < low || number > high) {
      fail("a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " was expected");
    }
    return number;
  }

  double number() const {
    double number = 0;
    if (!value_ || value_->get(number) != simdjson::SUCCESS) fail("a number was expected");
    return number;
  }

 private:
  std::optional<simdjson::dom::element> value_;
  std::string path_;
};

// A parsed file; `parser` owns what the fields point at.
class JsonFile {
 public:
  // Throws DataError when `json` is not JSON.
  JsonFile(std::string_view json, std::string_view name) : name_(name) {
    if (const auto error = parser_.parse(json.data(), json.size()).get(document_)) fail(simdjson::error_message(error));
  }
  JsonField root() const { return {document_, name_ + ": "}; }

 private:
  void fail(const std::string& what) const { throw DataError(name_ + ": not JSON: " + what); }
  simdjson::dom::parser parser_;
  simdjson::dom::element document_;
  std::string name_;
};

// {"content": ..., "special": ..., ...}; absent flags have the defaults of tokenizers' AddedToken.
inline AddedToken read_added_token(const JsonField& token) {
  AddedToken result;
  result.content = token["content"].string();
  result.special = token["special"].boolean_or(false);
  result.normalized = token["normalized"].boolean_or(!result.special);
  result.single_word = token["single_word"].boolean_or(false);
  result.lstrip = token["lstrip"].boolean_or(false);
  result.rstrip = token["rstrip"].boolean_or(false);
  return result;
}

}  // namespace phidias::data
