// One reader per format; open_units() chooses. All throw DataError for a file that cannot be opened.
#pragma once

#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

std::unique_ptr<UnitReader> open_jsonl(const InputFile& file, std::int64_t unit_bytes);

}  // namespace phidias::data::pipeline
