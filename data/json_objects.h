// Files of JSON objects, one a line (.gz and .zst read in place), for small inputs that are looked at field by field.
//
//   for_each_json_object("gsm8k.jsonl", [&](const JsonObject& object) { texts.push_back(string_at(object.value, "question")...); });
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"

namespace phidias::data {

struct JsonObject {
  std::string where;  // "gsm8k.jsonl:17"
  std::int64_t line;  // from 1
  const OrderedJson& value;
};

// What is wrong with the line, or nothing and the object in `value`. Of any bytes: invalid UTF-8, other things than objects, and objects of more than 64 levels
// are refused.
std::optional<std::string> parse_json_object(std::string_view line, OrderedJson& value);

// In the order of the file. A line that is no JSON object goes to `bad` (its place and what is wrong), or throws DataError where that is empty.
void for_each_json_object(const std::string& path, const std::function<void(const JsonObject&)>& visit,
                          const std::function<void(const std::string& where, const std::string& what)>& bad = {});

// A file as it is; of a folder all files below it whose names hold ".json", by name. Throws DataError for what is not there, and for a folder without any.
std::vector<std::string> json_files(const std::string& path);

// The member at a dotted path ("execution.passed"; a member whose own name holds the dots comes first), or nullptr.
const OrderedJson* member_at(const OrderedJson& object, std::string_view path);
// The text of a member: strings as they are, numbers and truth values as JSON writes them; nothing for null, absent, lists and objects.
std::optional<std::string> text_at(const OrderedJson& object, std::string_view path);
// A text as a list of one; a list of texts; empty for null and absent. Nothing for anything else.
std::optional<std::vector<std::string>> texts_at(const OrderedJson& object, std::string_view path);
// A number, or a truth value as 0 or 1.
std::optional<double> number_at(const OrderedJson& object, std::string_view path);

// The object on one line; bytes that are not UTF-8 cannot occur in what was parsed.
std::string json_line(const OrderedJson& object);

}  // namespace phidias::data
