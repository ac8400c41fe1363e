#include "data/pipeline/knowledge/language_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "data/pipeline/knowledge/embedded_models.h"

namespace phidias::data::pipeline {
namespace {

DetectedLanguage detect(std::string_view text) {
  static LanguageDetector detector(NgramLanguageModel::built_in());
  return detector.detect(text);
}

std::vector<Json> golden_passages() {
  std::vector<Json> passages;
  std::ifstream file(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/language/passages.jsonl");
  for (std::string line; std::getline(file, line);) passages.push_back(parse_json(line, "passages.jsonl"));
  return passages;
}

TEST(LanguageDetector, KnowsTheTwentyThreeLanguages) {
  EXPECT_EQ(built_in_languages().size(), 23U);
  int seen = 0;
  for (const Json& passage : golden_passages()) {
    if (passage["piece"] != "whole") continue;
    const auto language = passage["language"].get<std::string>();
    const bool is_known = std::find(built_in_languages().begin(), built_in_languages().end(), language) != built_in_languages().end();
    const DetectedLanguage detected = detect(passage["text"].get<std::string>());
    EXPECT_EQ(detected.language, is_known ? language : "und") << language;
    if (is_known) {
      EXPECT_GT(detected.score, 0.9) << language;
    }
    ++seen;
  }
  EXPECT_EQ(seen, 30);
}

// Same hashing, folding and arithmetic as the trainer's. It sums products of 32-bit features: 1e-4 is some hundred roundings of 6e-8 on logits below 100.
TEST(LanguageDetector, ProbabilitiesAreTheTrainers) {
  int compared = 0;
  for (const Json& passage : golden_passages()) {
    if (passage["probability"].is_null()) continue;
    const DetectedLanguage detected = detect(passage["text"].get<std::string>());
    const bool found = detected.language == passage["language"].get<std::string>();
    if (!found) continue;  // another language was more probable, or it is undetermined
    EXPECT_NEAR(detected.score, passage["probability"].get<double>(), 1e-4) << passage["text"];
    ++compared;
  }
  EXPECT_GE(compared, 34);
}

TEST(LanguageDetector, ScriptsTellTheirLanguages) {
  EXPECT_EQ(detect("ひらがなとカタカナ、漢字").language, "ja");
  EXPECT_EQ(detect("漢字だけ").script, "Japanese");
  EXPECT_EQ(detect("学习计算机科学").language, "zh");
  EXPECT_EQ(detect("한국어 문장 漢字").language, "ko");
  EXPECT_EQ(detect("שלום עולם").language, "he");
  EXPECT_EQ(detect("Καλημέρα κόσμε").script, "Greek");
  EXPECT_EQ(detect("नमस्ते दुनिया").language, "und");
  EXPECT_EQ(detect("12345 !?").language, "und");
  EXPECT_EQ(detect("12345 !?").score, 0.0);
  EXPECT_EQ(detect("").script, "");
}

TEST(LanguageDetector, ScoreIsThePartOfTheWinningScript) {
  // Ten Han letters count thirty; ten Latin ones ten.
  const DetectedLanguage mixed = detect("一二三四五六七八九十 abcdefghij");
  EXPECT_EQ(mixed.language, "zh");
  EXPECT_DOUBLE_EQ(mixed.score, 0.75);
  EXPECT_EQ(mixed.letters, 20);
}

TEST(LanguageDetector, EvidenceOfLongTextsIsBoundedAndCountsDoNotOverflow) {
  std::string text;
  while (text.size() < 3'000'000) text += "the history of the language ";
  const DetectedLanguage detected = detect(text);
  EXPECT_EQ(detected.language, "en");
  EXPECT_GT(detected.score, 0.99);
}

TEST(LanguageDetector, DamagedModelsAreRefused) {
  const std::string bytes(embedded_language_model());
  EXPECT_NO_THROW(NgramLanguageModel(bytes, "model"));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{11}, std::size_t{30}, std::size_t{200}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_THROW(NgramLanguageModel(std::string_view(bytes).substr(0, size), "model"), DataError) << size;
  EXPECT_THROW(NgramLanguageModel(bytes + "x", "model"), DataError);
  for (std::size_t i = 0; i < 24; ++i) {  // magic, groups, languages, bits and stride of the first group
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
    EXPECT_THROW(NgramLanguageModel(damaged, "model"), DataError) << i;
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
