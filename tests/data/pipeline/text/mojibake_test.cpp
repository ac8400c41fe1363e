#include "data/pipeline/text/mojibake.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/philox.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

TEST(Mojibake, FollowsFtfyOnTheGoldenTable) {
  const Json cases = read_json(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/text/mojibake.json");
  std::size_t unchanged = 0;
  for (const Json& entry : cases) {
    const std::string text = entry.at("text"), fixed = entry.at("fixed");
    unchanged += static_cast<std::size_t>(text == fixed);
    EXPECT_EQ(repair_mojibake_line(text), fixed) << text;
  }
  EXPECT_GE(cases.size(), 200u);
  EXPECT_GE(unchanged, 60u);  // texts that must stay as they are
}

TEST(Mojibake, RepairsLineByLineAndLeavesTheOthersAlone) {
  std::string text = "GrÃ¼ÃŸe\nschön\n日本語\n\ndonâ€™t";
  EXPECT_EQ(repair_mojibake(text), 2);
  EXPECT_EQ(text, "Grüße\nschön\n日本語\n\ndon’t");
  text = "Ã©\n";
  EXPECT_EQ(repair_mojibake(text), 1);
  EXPECT_EQ(text, "é\n");
  text = "schön\n";
  EXPECT_EQ(repair_mojibake(text), 0);
}

TEST(Mojibake, MakesValidTextOfAnyCharactersOfTheTwoEncodings) {
  static const char* kPieces[] = {"Ã", "Â", "â", "€", "™", "œ",  "ð", "Ÿ", "˜", "\u0080", "\u009d", "\u00a0", " ",
                                  "¶", "a", "?", "�", "ß", "中", "à", "¤", "Ø", "§",      "\x1a",   "\u00ad"};
  const PhiloxKey key = philox_key(1, RandomSite::task_generator);
  int changed = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    std::string line;
    const std::uint64_t length = 1 + philox_uint64(key, i * 32) % 12;
    for (std::uint64_t k = 1; k <= length; ++k) line += kPieces[philox_uint64(key, i * 32 + k) % std::size(kPieces)];
    const std::string fixed = repair_mojibake_line(line);
    ASSERT_EQ(find_invalid_utf8(fixed), std::string::npos) << line;
    changed += static_cast<int>(fixed != line);
    if (!is_suspicious(line)) {
      ASSERT_EQ(fixed, line);
    }
  }
  EXPECT_GT(changed, 5000);
}

}  // namespace
}  // namespace phidias::data::pipeline
