// The files of configs/models, embedded by the build.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace phidias::configs {

// (name, text of its YAML file).
std::span<const std::pair<std::string_view, std::string_view>> embedded_presets();

}  // namespace phidias::configs
