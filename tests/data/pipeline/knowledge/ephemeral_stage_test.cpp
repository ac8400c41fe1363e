#include "data/pipeline/knowledge/ephemeral_stage.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

const std::string kResult =
    "Rovers beat Harbour Town 3-1 on Saturday night, with Reyes scoring twice in the second half. Coach Kowal said the team had shown character after last "
    "week's "
    "defeat. They travel to Leeds this weekend.\n";
const std::string kOffer = "SALE ends Sunday! Up to 40% off, now only $19.99 (was $99). Free shipping on orders over $50. Use promo code SAVE40. Shop now!\n";
const std::string kLesson =
    "Newton's second law states that force equals mass times acceleration. If a cart of 2 kilograms is pushed with 6 newtons, it accelerates at 3 metres per "
    "second squared, because the acceleration is the force divided by the mass.\n";
const std::string kOldMatch =
    "Bolton beat West Ham 2-0 on 28 April 1923 in the first final at Wembley, for which far too many people came; the match began an hour late.\n";

Document process(const EphemeralStage::Config& config, const std::string& text, const std::string& fields = "") {
  const EphemeralStage stage(config, {.name = "ephemeral"});
  Document document;
  document.set_text(text);
  document.fields = fields;
  Document* documents[] = {&document};
  stage.worker()->process(documents);
  return document;
}

TEST(EphemeralStage, DropsByTopicAndKeepsLessons) {
  EXPECT_EQ(process({}, kResult).reason(), "sports_result");
  EXPECT_EQ(process({}, kOffer).reason(), "promotion");
  const Document lesson = process({}, kLesson);
  EXPECT_EQ(lesson.reason(), "");
  EXPECT_GT(*lesson.annotations().number("ephemeral.durability"), 3);
  EXPECT_GT(*lesson.annotations().number("ephemeral.teaching"), 3);
  EXPECT_FALSE(lesson.annotations().has("ephemeral.topic"));
  EXPECT_EQ(process({}, "").reason(), "");
}

TEST(EphemeralStage, HistoryStaysUnlessItSpeaksOfTheDayItWasFetched) {
  const EphemeralStage::Config everything{.bounds = {.durability = 5, .teaching = 5}, .keep_teaching = 5};
  EXPECT_EQ(process(everything, kOldMatch).reason(), "") << "guarded whatever the scores are";
  EXPECT_EQ(process(everything, kOldMatch, R"("date":"2024-05-01")").reason(), "");
  EXPECT_EQ(process(everything, kOldMatch, R"("date":"1923-05-20T08:00:00Z")").reason(), "sports_result") << "22 days";
  EXPECT_EQ(process(everything, kOldMatch, R"("date":"1923-06-20")").reason(), "") << "53 days";
  EXPECT_EQ(process(everything, kOldMatch + "Tickets are on sale today.", "").reason(), "sports_result") << "speaks of the present";
}

TEST(EphemeralStage, ReadsDatesWithoutAYearAgainstTheDayOfFetching) {
  const EphemeralStage::Config everything{.bounds = {.durability = 5, .teaching = 5}, .keep_teaching = 5};
  const std::string text = "The league was founded in 1888 and the cup match was played on January 3 at the old stadium.";
  EXPECT_EQ(process(everything, text, R"("date":"2023-12-20")").reason(), "sports_result") << "fourteen days over the end of the year";
  EXPECT_EQ(process(everything, text, R"("date":"2023-08-20")").reason(), "");
}

TEST(EphemeralStage, ShareOfTheDocumentDecides) {
  EphemeralStage::Config config{.passage_words = 20};
  const Document document = process(config, kResult + kLesson + kLesson);
  EXPECT_EQ(document.annotations().number("ephemeral.passages"), 3);
  EXPECT_EQ(document.annotations().number("ephemeral.ephemeral_passages"), 1);
  EXPECT_EQ(document.annotations().text("ephemeral.topic"), "sports_result");
  EXPECT_EQ(document.reason(), "");
  config.minimum_share = 0.2;
  config.keep_teaching = 5;
  EXPECT_EQ(process(config, kResult + kLesson + kLesson).reason(), "sports_result");
  config.keep_teaching = 2;
  EXPECT_EQ(process(config, kResult + kLesson + kLesson).reason(), "") << "it teaches enough on the whole";
}

TEST(EphemeralStage, TakesOutPassages) {
  const EphemeralStage::Config config{.unit = EphemeralUnit::passage, .keep_teaching = 5, .passage_words = 20};
  EXPECT_EQ(process(config, kResult + kLesson + kOffer).text(), kLesson);
  const Document gone = process(config, kResult + kOffer);
  EXPECT_EQ(gone.reason(), "sports_result") << "the topic with most words";
  EXPECT_EQ(gone.text(), kResult + kOffer);
}

TEST(EphemeralStage, WritesFeaturesWhenAsked) {
  const Document document = process({.annotate_features = true}, kOffer);
  EXPECT_GT(*document.annotations().number("ephemeral.money"), 0.5);
  EXPECT_EQ(document.annotations().number("ephemeral.horoscope"), 0);
  EXPECT_FALSE(process({}, kOffer).annotations().has("ephemeral.money"));
}

TEST(EphemeralStage, ModelsOfTheUserNeedTheLabelsOfAnAxis) {
  EXPECT_THROW(process({.teaching_model = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/classifier/softmax.bin"}, ""), ConfigError);
}

}  // namespace
}  // namespace phidias::data::pipeline
