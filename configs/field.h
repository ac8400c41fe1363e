// One key of a configuration: what a visitor learns about a member of a struct beside the member itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace phidias::configs {

struct Field {
  std::string_view key = {};
  std::string_view doc = {};  // one sentence fragment for docs/configuration.md
  bool required = false;

  // Numbers (every element of a list, every value of a map) lie in [minimum, maximum]; `is_above` excludes the minimum, `is_below` the maximum.
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool is_above = false, is_below = false;
  std::size_t length = 0;  // lists: this many elements; 0: any number

  std::vector<std::string_view> values = {};  // texts: the only ones allowed
  std::vector<std::string_view> later = {};   // texts that are known but not available in this version
  bool is_duration = false;                   // a number of seconds, also written "90s", "45m", "2h", "1h30m"
  bool only_default = false;                  // a member whose other values are not available in this version

  // An integer member that is `unset_value` stands for "not given", which is written as this word (null, auto).
  std::string_view unset = {};
  std::int64_t unset_value = 0;
  std::string_view default_text = {};  // how the reference page words a default that is no value
};

}  // namespace phidias::configs
