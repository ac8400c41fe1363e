// The page of a data pipeline, from its manifest.json: what came in and what is left, what each rule removed with samples, distributions of what the stages
// measured over kept and dropped documents, speed.
#pragma once

#include <filesystem>

namespace phidias::report {

// Writes <output>/report.html and returns its path. Throws DataError when manifest.json is missing, broken or of another format.
std::filesystem::path write_data_report(const std::filesystem::path& output);

}  // namespace phidias::report
