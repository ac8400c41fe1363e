#include "kernels/draws.h"

namespace phidias::kernels {

std::uint64_t draw_key(std::uint64_t seed, std::int64_t step, std::uint64_t record_id, std::int64_t position) {
  const PhiloxKey key = philox_key(seed, RandomSite::jitter, static_cast<std::uint64_t>(step), record_id);
  return philox_uint64(key, static_cast<std::uint64_t>(position));
}

PhiloxBlock draw_block(std::uint64_t token_key, std::uint64_t site, std::uint32_t index) {
  return philox4x32_10({index, 0, static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(site >> 32)},
                       {static_cast<std::uint32_t>(token_key), static_cast<std::uint32_t>(token_key >> 32)});
}

}  // namespace phidias::kernels
