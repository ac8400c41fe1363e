// All units of a segment, dealt to ranks and threads; and the collective decision behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/pipeline/unit_worker.h"
#include "data/pipeline/work_directory.h"
#include "parallel/communicator.h"

namespace phidias::data::pipeline {

// A finished unit, as all ranks know it. In the order of (file, unit): the order of the input.
struct UnitEntry {
  std::int64_t file = 0, unit = 0;
  std::int64_t documents = 0, collected = 0, collected_bytes = 0, kept_bytes = 0, dropped_bytes = 0;
  std::string source;
};

void write_unit_table(const std::filesystem::path& path, const std::vector<UnitEntry>& units);
std::vector<UnitEntry> read_unit_table(const std::filesystem::path& path);

struct RunContext {
  const WorkDirectory* work = nullptr;
  parallel::Communicator* group = nullptr;
  std::size_t threads = 1;           // of this rank
  std::function<int()> stop_signal;  // 0, or the signal that asks for a safe stop; may be empty
  bool progress = false;             // on rank 0
  std::string title;                 // of the progress line
};

// A safe stop was asked for: what is finished is on disk.
struct Stopped {
  int signal = 0;
};

// Collective. Units that are finished already are passed over. Throws DataError for what cannot be read (under on_error: stop), Stopped on every rank when one
// was asked to stop.
std::vector<UnitEntry> run_first_segment(const std::vector<InputFile>& files, const WorkSetup& setup, const RunContext& context);
std::vector<UnitEntry> run_later_segment(std::size_t segment, const std::vector<UnitEntry>& units, const WorkSetup& setup, const RunContext& context);

// Collective: the stage that collected at the end of `segment` decides; one decisions file per unit. Throws ConfigError when it would need more than
// memory_bytes on a rank. Does nothing when all decisions are there.
void decide(std::size_t segment, const std::vector<UnitEntry>& units, CollectiveStage& stage, std::int64_t memory_bytes, const RunContext& context);

}  // namespace phidias::data::pipeline
