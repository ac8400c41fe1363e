// Damaged copies of good input, for replaying fuzz targets.
#pragma once

#include <random>
#include <string>

namespace phidias::data::mixture {

// Flips, cuts, removes and repeats parts, the same every time.
inline std::string mutated(std::string bytes, std::mt19937& random) {
  for (unsigned change = 0; change <= random() % 3 && !bytes.empty(); ++change) {
    const std::size_t at = random() % bytes.size(), length = 1 + random() % 12;
    const unsigned how = random() % 4;
    if (how == 0) bytes[at] = static_cast<char>(random());
    if (how == 1) bytes.erase(at, length);
    if (how == 2) bytes.insert(at, bytes.substr(random() % bytes.size(), length));
    if (how == 3) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
  }
  return bytes;
}

}  // namespace phidias::data::mixture
