// This program holds all of base, configs, report, parallel and data. It knows what it has loaded.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/hash.h"

namespace phidias {
namespace {

TEST(TorchFreeFolders, LoadNoLibTorch) {
  ASSERT_NE(hash_string("x"), Hash128{});
  std::ifstream maps("/proc/self/maps");
  ASSERT_TRUE(maps) << "/proc is needed";
  std::size_t libraries = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(".so") != std::string::npos) ++libraries;
    for (const char* library : {"libtorch", "libc10", "libcuda", "libnccl"}) EXPECT_EQ(line.find(library), std::string::npos) << line;
  }
  EXPECT_GT(libraries, 0u);
}

}  // namespace
}  // namespace phidias
