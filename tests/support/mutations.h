// Foreign bytes for parsers: deterministic mutations of good ones, replayed through the entry points of tests/fuzz where there is no libFuzzer.
//
//   std::mt19937 random(1);
//   for (int i = 0; i < 1000; ++i) parse(mutated(good, {.tokens = {"null", "-1"}}, random));
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace phidias {

struct Mutations {
  std::vector<std::string> tokens;  // what the format breaks at: written over, or put between
  std::size_t longest = 12;         // bytes of a part that is removed or repeated
  int changes = 3;                  // at most
  std::size_t head = 0;             // > 0: half of the changes hit the first so many bytes
};

// Cuts, flips a bit, removes, repeats, writes a token over bytes or between them, writes a random byte; up to `changes` of these.
inline std::string mutated(std::string bytes, const Mutations& kind, std::mt19937& random) {
  for (int left = 1 + static_cast<int>(random() % static_cast<unsigned>(kind.changes)); left > 0 && !bytes.empty(); --left) {
    const bool in_head = kind.head > 0 && random() % 2 == 0;
    const std::size_t at = random() % (in_head ? std::min(bytes.size(), kind.head) : bytes.size());
    const std::size_t length = std::min<std::size_t>(bytes.size() - at, 1 + random() % kind.longest);
    switch (random() % (kind.tokens.empty() ? 5 : 7)) {
      case 0:
        if (random() % 2 == 0) bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), length));
        break;
      case 4:
        bytes[at] = static_cast<char>(random());
        break;
      case 5: {
        const std::string& token = kind.tokens[random() % kind.tokens.size()];
        std::memcpy(bytes.data() + at, token.data(), std::min(bytes.size() - at, token.size()));
        break;
      }
      default:
        bytes.insert(at, kind.tokens[random() % kind.tokens.size()]);
    }
  }
  return bytes;
}

}  // namespace phidias
