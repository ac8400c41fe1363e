#include <cstdio>

#include "launch/commands.h"
#include "report/run_report.h"

namespace phidias::launch {

int run_report(const ReportCommand& command) {
  for (const std::string& run : command.runs) std::printf("%s\n", report::write_run_report(run).front().c_str());
  return 0;
}

}  // namespace phidias::launch
