// Names of inputs: what stands in ids and what a source is called when the user does not say.
#pragma once

#include <filesystem>
#include <string>

#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

// A file's name below the folder that its source names: "2024/a.jsonl" for web/2024/a.jsonl of the source "web" or "web/*/*.jsonl"; "a.jsonl" for a source that
// is the file itself.
std::string input_name(const InputFile& file, const std::filesystem::path& path);

// The last component of a path without wildcards, without the endings of formats and compressions: "web" for "raw/web/*.jsonl.zst", "page" for "page.jsonl.gz".
std::string default_source_name(const std::string& path);

// "a*c" or "a?c" against one component of a path; an asterisk or question mark stands for no leading dot.
bool matches_pattern(std::string_view name, std::string_view pattern);
bool is_pattern(std::string_view text);

// Lower-case endings from the last one inwards as long as they are endings of formats and compressions: {".gz", ".warc"} for "a.b.warc.gz".
std::vector<std::string> known_endings(const std::filesystem::path& path);

}  // namespace phidias::data::pipeline
