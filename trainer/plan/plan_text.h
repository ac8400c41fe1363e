// A plan as a page for people, as JSON, and as the one error that says why it is impossible.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "trainer/plan/plan.h"

namespace phidias::trainer {

std::string plan_page(const Plan& plan);
OrderedJson plan_json(const Plan& plan);
// For a plan that is not possible(); `remedies` from plan.h.
std::string why_impossible(const Plan& plan, const std::vector<std::string>& remedies);
// "fits: 12.3 GB of 80.0 GB are left on each rank", or what to set instead.
std::string verdict(const Plan& plan);

}  // namespace phidias::trainer
