// docs/data/settings-reference.md is what the settings' own lists of keys say (PHIDIAS_UPDATE=1 rewrites it).
#include "data/settings_reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/atomic_file.h"

namespace phidias::data {
namespace {

TEST(SettingsReference, IsUpToDate) {
  const std::filesystem::path page = std::filesystem::path(PHIDIAS_SOURCE_DIR) / "docs/data/settings-reference.md";
  const std::string generated = settings_reference();
  if (std::getenv("PHIDIAS_UPDATE") != nullptr) write_file_atomic(page, generated);
  EXPECT_EQ(read_file(page), generated);
}

TEST(SettingsReference, HoldsEveryCommandWithKeysOfSections) {
  const std::string page = settings_reference();
  for (const char* expected : {"## train-classifier", "`quantise.keep_rows`", "## train-head", "`hidden_units`", "## make-prompts", "`seeds[].topic_field`",
                               "## import-answers", "`vote.enabled`", "## make-pairs", "`balance_lengths`"})
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
}

}  // namespace
}  // namespace phidias::data
