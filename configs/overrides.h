// `key.path=value` of the command line, laid over the document before it is read, so that one set of checks sees both.
#pragma once

#include <string>
#include <vector>

#include "configs/value.h"

namespace phidias::configs {

// Sets each value in `document` (a map, or null for an empty document), later ones over earlier ones; positions become "override N", N from 1.
// A value is text as it stands; one that opens with [ { " or ' is YAML; null, ~ and nothing take the key away.
void apply_overrides(Value& document, const std::vector<std::string>& overrides, Problems& problems);

}  // namespace phidias::configs
