// The text of a configuration file, checked before a parser sees it.
#pragma once

#include <string>

namespace phidias::configs {

// Throws ConfigError when the file cannot be read or is longer than 4 MiB.
std::string read_source_text(const std::string& path);
// Throws ConfigError naming the line when the text is not UTF-8 or holds a NUL.
void check_source_text(const std::string& text, const std::string& source);

}  // namespace phidias::configs
