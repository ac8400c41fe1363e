// The text of a configuration file, checked before a parser sees it.
#pragma once

#include <string>

namespace phidias::configs {

// Throws ConfigError when the file cannot be read, is longer than 4 MiB, or is not UTF-8 text (naming the line).
std::string read_source_text(const std::string& path);

}  // namespace phidias::configs
