// Forward declaration of the JSON types for headers.
#pragma once
#include <nlohmann/json_fwd.hpp>
namespace phidias {
using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;
}  // namespace phidias
