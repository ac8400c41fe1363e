// A distribution of manifest.json (data/pipeline/distribution.h) as standing bars.
//
// Every bin between the lowest and the highest one that is not empty has its place, so that distances are what they are in the grid: bins of width 0.02 over
// [-1, 1), outside 8 per doubling. Where that would be more than 120 bars, neighbours are drawn as one.
#pragma once

#include <string>

#include "base/json_fwd.h"
#include "report/bar_chart.h"

namespace phidias::report {

BarChart distribution_chart(const std::string& name, const Json& distribution);

}  // namespace phidias::report
