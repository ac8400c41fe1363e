#include "parallel/local_ranks.h"

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "parallel/connection.h"

namespace phidias::parallel {
namespace {

// Empty where /proc does not tell.
std::string boot_identity() {
  try {
    return read_file("/proc/sys/kernel/random/boot_id");
  } catch (const DataError&) {
    return "";
  }
}

std::string network_identity() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/ns/net", error).string();
}

}  // namespace

Hash128 host_identity() {
  const std::string kernel = boot_identity();
  return hash_string((kernel.empty() ? host_name() : kernel) + network_identity());
}

LocalRanks find_local_ranks(Communicator& ranks) {
  const Hash128 mine = host_identity();
  std::vector<Hash128> all(static_cast<std::size_t>(ranks.size()));
  ranks.all_gather(&mine, all.data(), sizeof(Hash128), DataType::uint8);
  LocalRanks result{.rank = 0, .size = 0, .beside_rank_0 = all[0] == mine};
  for (int r = 0; r < ranks.size(); ++r) {
    if (all[static_cast<std::size_t>(r)] != mine) continue;
    ++result.size;
    if (r < ranks.rank()) ++result.rank;
  }
  return result;
}

}  // namespace phidias::parallel
