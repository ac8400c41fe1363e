#include <cstdio>
#include <filesystem>

#include "launch/commands.h"
#include "report/data_report.h"
#include "report/run_report.h"

namespace phidias::launch {

int run_report(const ReportCommand& command) {
  for (const std::string& run : command.runs) {
    const bool is_pipeline = std::filesystem::exists(std::filesystem::path(run) / "manifest.json");
    std::printf("%s\n", (is_pipeline ? report::write_data_report(run) : report::write_run_report(run).front()).c_str());
  }
  return 0;
}

}  // namespace phidias::launch
