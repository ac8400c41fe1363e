// Byte positions of UTF-8 text as code points, the unit in which Hugging Face reports offsets.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace phidias::launch {

// counts[b]: code points that begin before byte b; size text.size() + 1.
inline std::vector<std::int64_t> code_points_before(std::string_view text) {
  std::vector<std::int64_t> counts(text.size() + 1, 0);
  for (std::size_t i = 0; i < text.size(); ++i) counts[i + 1] = counts[i] + ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 ? 1 : 0);
  return counts;
}

}  // namespace phidias::launch
