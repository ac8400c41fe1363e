#include <cstdio>

#include "launch/commands.h"

namespace phidias::launch {

int run_version(bool json) {
  std::printf(json ? "{\"version\": \"%s\"}\n" : "phidias %s\n", PHIDIAS_VERSION);
  return 0;
}

}  // namespace phidias::launch
