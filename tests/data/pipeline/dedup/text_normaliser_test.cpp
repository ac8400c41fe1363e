#include "data/pipeline/dedup/text_normaliser.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

// tests/golden/make_dedup_goldens.py
const Json& goldens() {
  static const Json json = read_json(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/dedup/cases.json");
  return json;
}

std::string normalised(const std::string& text, const NormaliseSection& section = {}) {
  const TextNormaliser normaliser(section);
  NormalisedText out;
  normaliser.normalise(text, out);
  return std::string(out.view());
}

TEST(TextNormaliser, EqualsDatatroveOnEveryCase) {
  const TextNormaliser normaliser;
  NormalisedText out;
  ASSERT_GE(goldens()["cases"].size(), 250u);
  for (const Json& golden : goldens()["cases"]) {
    const std::string text = golden["text"];
    normaliser.normalise(text, out);
    EXPECT_EQ(out.view(), golden["normalised"].get<std::string>()) << text;
  }
}

TEST(TextNormaliser, FindsTheWordsOfItsResult) {
  const TextNormaliser normaliser;
  NormalisedText out;
  normaliser.normalise("  Don't stop -- at 3.5 \u0301 times!", out);
  EXPECT_EQ(out.view(), "don t stop at 0 times");
  ASSERT_EQ(out.starts.size(), 6u);
  EXPECT_EQ(out.words(0, 2), "don t");
  EXPECT_EQ(out.words(3, 3), "at 0 times");
  EXPECT_EQ(out.words(5, 1), "times");
}

TEST(TextNormaliser, EachSwitchLeavesItsPartAlone) {
  const std::string text = "Caf\u00e9, 12.5 \u00c9T\u00c9";
  EXPECT_EQ(normalised(text), "cafe 0 ete");
  EXPECT_EQ(normalised(text, {.lowercase = false}), "Cafe 0 ETE");
  EXPECT_EQ(normalised(text, {.numbers = false}), "cafe 12 5 ete");
  EXPECT_EQ(normalised(text, {.punctuation = false}), "cafe, 0 ete");
  EXPECT_EQ(normalised(text, {.marks = false}), "caf\u00e9 0 \u00e9t\u00e9");
}

TEST(TextNormaliser, ThreadsThatBuildOneTableGetOneResult) {
  const TextNormaliser normaliser;
  std::string text;
  for (const Json& golden : goldens()["cases"]) text += golden["text"].get<std::string>() + " ";
  NormalisedText expected;
  TextNormaliser().normalise(text, expected);
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results)
    threads.emplace_back([&] {
      NormalisedText out;
      normaliser.normalise(text, out);
      result = out.view();
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) EXPECT_EQ(result, expected.view());
}

TEST(TextNormaliser, DoesNotReadBeyondBrokenUtf8) {
  for (const std::string text : {"\xff", "a\xc3", "\xe4\xb8", "1.\xd9", "\xf0\x9f\x99", "x\x80y", "9\xcc"}) {
    EXPECT_LE(normalised(text).size(), 3 * text.size()) << text;
    std::string line;
    append_cc_net_line(text, line);
    EXPECT_LE(line.size(), 3 * text.size());
  }
}

TEST(CcNetLine, EqualsItsDescription) {
  for (const Json& golden : goldens()["cases"]) {
    std::string line;
    append_cc_net_line(golden["text"].get<std::string>(), line);
    EXPECT_EQ(line, golden["cc_net"].get<std::string>()) << golden["text"];
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
