// What the benches of texts share: processor time, and documents of about 4 kB cut from a file.
#pragma once

#include <algorithm>
#include <ctime>
#include <string_view>
#include <vector>

namespace phidias::bench {

// CPU time: other work on the machine does not count.
inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <typename Call>
double best_of(int rounds, Call call) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = cpu_seconds();
    call();
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

// Cut after the first line end past 4096 bytes, as the peers' scripts do.
inline std::vector<std::string_view> documents_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n', std::min<std::size_t>(4096, text.size())), text.size() - 1) + 1;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

}  // namespace phidias::bench
