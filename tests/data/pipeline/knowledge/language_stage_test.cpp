#include "data/pipeline/knowledge/language_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

constexpr const char* kEnglish = "The weather in the mountains changes quickly, so take a warm coat and enough water with you.";
constexpr const char* kGerman = "Das Wetter in den Bergen ändert sich schnell, deshalb sollte man eine warme Jacke mitnehmen.";

Document process(const LanguageStage::Config& config, const std::string& text) {
  const LanguageStage stage(config, {.name = "language"});
  Document document;
  document.set_text(text);
  Document* documents[] = {&document};
  stage.worker()->process(documents);
  return document;
}

TEST(LanguageStage, AnnotatesAndDropsNothingWithoutAList) {
  const Document document = process({}, kGerman);
  EXPECT_EQ(document.annotations().text("language"), "de");
  EXPECT_GT(*document.annotations().number("language_score"), 0.9);
  EXPECT_EQ(document.annotations().text("language.script"), "Latin");
  EXPECT_EQ(document.annotations().number("language.letters"), 76);
  EXPECT_FALSE(document.dropped());
  EXPECT_FALSE(process({}, "123").dropped());
}

TEST(LanguageStage, DropsWhatIsNotKept) {
  EXPECT_EQ(process({.keep = {"en"}}, kGerman).reason(), "not_kept");
  EXPECT_EQ(process({.keep = {"en"}}, kEnglish).reason(), "");
  EXPECT_EQ(process({.keep = {"en"}}, "").reason(), "not_kept");
  EXPECT_EQ(process({.keep = {"en", "und"}, .threshold = -1}, "42").reason(), "");
  EXPECT_EQ(process({.keep = {"en"}, .minimum_characters = 200}, kEnglish).reason(), "minimum_characters");
}

TEST(LanguageStage, TheScoreMustBeAboveTheThreshold) {
  const double score = *process({}, kEnglish).annotations().number("language_score");
  EXPECT_EQ(process({.keep = {"en"}, .threshold = score}, kEnglish).reason(), "threshold");
  EXPECT_EQ(process({.keep = {"en"}, .threshold = score - 1e-9}, kEnglish).reason(), "");
}

TEST(LanguageStage, RefusesLanguagesThatTheModelDoesNotKnow) {
  const std::string message = message_of<ConfigError>([] { process({.keep = {"en", "eng"}}, ""); });
  EXPECT_NE(message.find("does not know the language 'eng'"), std::string::npos) << message;
  EXPECT_NE(message.find("ar, cs, da"), std::string::npos) << message;
}

// Labels of the model take the place of languages; the model is a golden one of the fastText reader.
TEST(LanguageStage, AsksAFastTextModel) {
  const std::string model = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/classifier/softmax.bin";
  const FastTextClassifier classifier = FastTextClassifier::load(model);
  const std::string& label = classifier.labels().front();
  const Document document = process({.model = model, .keep = classifier.labels(), .threshold = 0}, kEnglish);
  FastTextClassifier::Scratch scratch;
  const auto probabilities = classifier.probabilities(kEnglish, scratch);
  const auto best = static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
  EXPECT_EQ(document.annotations().text("language"), probabilities[best] > 0 ? classifier.labels()[best] : "und");
  EXPECT_FALSE(document.annotations().has("language.script"));
  EXPECT_THROW(process({.model = model, .keep = {"en"}}, kEnglish), ConfigError) << label;
  EXPECT_EQ(LanguageStage({.model = model}, {.name = "l"}).resources().size(), 1U);
}

}  // namespace
}  // namespace phidias::data::pipeline
