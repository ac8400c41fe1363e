#include "data/pipeline/read/unit_reader.h"

#include "base/error.h"
#include "data/pipeline/read/formats.h"

namespace phidias::data::pipeline {

std::unique_ptr<UnitReader> open_units(const InputFile& file, std::int64_t unit_bytes) {
  switch (file.format) {
    case InputFormat::jsonl:
      return open_jsonl(file, unit_bytes);
    case InputFormat::warc:
    case InputFormat::wet:
      return open_warc(file, unit_bytes);
    case InputFormat::text:
    case InputFormat::html:
      return open_text_files(file);
    case InputFormat::parquet:
      return open_parquet(file, unit_bytes);
    case InputFormat::automatic:
      break;
  }
  throw ConfigError(file.path.string() + ": its format is still open; list_inputs() settles it");
}

}  // namespace phidias::data::pipeline
