// One reader per format; open_units() chooses. All throw DataError for a file that cannot be opened.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "data/line_blocks.h"
#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

std::unique_ptr<UnitReader> open_jsonl(const InputFile& file, std::int64_t unit_bytes);
// A unit of lines of JSON.
std::unique_ptr<Unit> json_unit(std::shared_ptr<const InputFile> file, LineBlock block);
std::unique_ptr<UnitReader> open_parquet(const InputFile& file, std::int64_t unit_bytes);
// WARC and WET, plain or compressed.
std::unique_ptr<UnitReader> open_warc(const InputFile& file, std::int64_t unit_bytes);
// The same of bytes in memory, which `owner` keeps alive; the file is only named.
std::unique_ptr<UnitReader> open_warc(const InputFile& file, std::shared_ptr<const void> owner, std::string_view bytes, std::int64_t unit_bytes);
// Text and HTML: one unit of all members, each a document.
std::unique_ptr<UnitReader> open_text_files(const InputFile& group);

}  // namespace phidias::data::pipeline
