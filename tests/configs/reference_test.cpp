// docs/configuration.md is what the program generates. PHIDIAS_UPDATE=1 writes it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "configs/key_paths.h"
#include "configs/run_config.h"

namespace phidias::configs {

TEST(Reference, CommittedPageIsTheGeneratedOne) {
  const std::string path = std::string(PHIDIAS_SOURCE_DIR) + "/docs/configuration.md";
  const std::string generated = run_config_reference();
  if (std::getenv("PHIDIAS_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << generated;
  std::ifstream file(path, std::ios::binary);
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), generated) << "the keys changed: PHIDIAS_UPDATE=1 ctest -R configs/reference, and look at the difference";
}

TEST(Reference, NamesEveryKey) {
  const std::string page = run_config_reference();
  for (const std::string& path : run_config_key_paths()) {
    const std::size_t dot = path.find('.');
    const std::string section = dot == std::string::npos ? "## Method" : "## " + path.substr(0, dot) + ": ";
    const std::size_t begin = page.find(section), end = page.find("\n## ", begin);
    ASSERT_NE(begin, std::string::npos) << path;
    const std::string row = "| `" + path.substr(dot == std::string::npos ? 0 : dot + 1) + "` |";
    EXPECT_NE(page.substr(begin, end - begin).find(row), std::string::npos) << path;
  }
}

}  // namespace phidias::configs
