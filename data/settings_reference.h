// docs/data/settings-reference.md: the keys of the commands around pipelines that take a settings file of their own.
#pragma once

#include <string>

namespace phidias::data {

std::string settings_reference();

}  // namespace phidias::data
