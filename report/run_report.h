// The curves of one run, from its metrics.jsonl.
//
// Writes into <run>/report/: loss.svg (training and validation), learning_rate.svg, tokens_per_second.svg, grad_norm.svg, and index.html, one file that
// holds them all with a table of the run and its configuration; it needs nothing beside it.
#pragma once

#include <filesystem>
#include <vector>

namespace phidias::report {

// Returns the files written, index.html first. Throws DataError when metrics.jsonl is missing or a line of it is broken; an unfinished last line, as a
// killed run leaves it, is passed over.
std::vector<std::filesystem::path> write_run_report(const std::filesystem::path& run_directory);

}  // namespace phidias::report
