// What tests/golden/make_decontamination_goldens.py wrote.
#pragma once

#include <string>

#include "base/json.h"

namespace phidias::data::pipeline {

inline std::string golden_folder() { return std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/decontamination/"; }

inline const Json& golden_cases() {
  static const Json cases = read_json(golden_folder() + "cases.json");
  return cases;
}

}  // namespace phidias::data::pipeline
