// The format of an input file by its ending and, where that says nothing, its first bytes.
#pragma once

#include <filesystem>

#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline {

// .jsonl .json .ndjson, .parquet, .warc, .wet, .html .htm .xhtml, .txt .md ... before .gz and .zst; else what the first (decompressed) bytes look like: PAR1,
// WARC/1., an object of JSON, a page of HTML, text without NUL. Throws DataError when none of it fits.
InputFormat input_format_of(const std::filesystem::path& path);

}  // namespace phidias::data::pipeline
