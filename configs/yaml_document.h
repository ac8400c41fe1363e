// YAML text -> Value. The one place that knows the YAML library (yaml-cpp 0.7).
//
// Stricter than the library, which keeps duplicate keys silently and leaves merge keys unresolved: duplicate keys, `<<`, anchors, aliases,
// explicit tags, keys that are no plain text and a second document are problems.
#pragma once

#include <optional>
#include <string>

#include "configs/value.h"

namespace phidias::configs {

// `source` is the name shown in errors. Nothing, and one problem, when the text is no YAML; else the document with all problems added. An
// empty document is null.
std::optional<Value> parse_yaml(const std::string& text, const std::string& source, Problems& problems);
// The same for a text that stands at one place, such as the value of an override: everything in it has that position.
std::optional<Value> parse_yaml_at(const std::string& text, const Position& position, Problems& problems);

}  // namespace phidias::configs
