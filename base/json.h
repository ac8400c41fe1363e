// JSON documents. The library (nlohmann) is included here and nowhere else, in .cpp files only where compile time matters.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace phidias {

using Json = nlohmann::json;                 // keys sorted
using OrderedJson = nlohmann::ordered_json;  // keys in the order written

// Parses a file; throws DataError with path, line and column, also on a duplicate key.
Json read_json(const std::filesystem::path& path);
// Parses text; `where` names it in errors ("data.jsonl:17").
Json parse_json(std::string_view text, std::string_view where);

}  // namespace phidias
