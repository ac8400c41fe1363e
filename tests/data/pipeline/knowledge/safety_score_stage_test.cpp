#include "data/pipeline/knowledge/safety_score_stage.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

Document process(const SafetyScoreStage::Config& config, const std::string& fields = "", std::optional<double> annotation = {}) {
  const SafetyScoreStage stage(config, {.name = "safety"});
  Document document;
  document.id = "d1";
  document.file = "in.jsonl";
  document.line = 7;
  document.fields = fields;
  if (annotation) document.annotations().set("quality.score", *annotation);
  Document* documents[] = {&document};
  stage.worker()->process(documents);
  return document;
}

TEST(SafetyScoreStage, ReadsAFieldOfTheInput) {
  const SafetyScoreStage::Config config{.field = "metadata.toxicity", .threshold = 0.4};
  const Document dropped = process(config, R"("metadata":{"toxicity":0.41})");
  EXPECT_EQ(dropped.reason(), "above");
  EXPECT_EQ(dropped.annotations().number("safety.score"), 0.41);
  EXPECT_EQ(process(config, R"("metadata":{"toxicity":0.4})").reason(), "") << "the threshold itself stays";
  EXPECT_EQ(process(config, R"("metadata.toxicity":1)").reason(), "above") << "a member with that very name";
  EXPECT_EQ(process(config, R"("metadata":{"toxicity":"high"})").reason(), "") << "no number, no score";
  EXPECT_EQ(process(config, R"("metadata":[1)").reason(), "");
}

TEST(SafetyScoreStage, ReadsAnAnnotationOfAnEarlierStage) {
  const SafetyScoreStage::Config config{.annotation = "quality.score", .threshold = 0.2, .drop = DroppedSide::below};
  EXPECT_EQ(process(config, "", 0.1).reason(), "below");
  EXPECT_EQ(process(config, "", 0.2).reason(), "");
  EXPECT_EQ(process(config).reason(), "");
}

TEST(SafetyScoreStage, ReadsAFileOfScores) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("scores.jsonl", "{\"id\":\"d0\",\"p\":0.1}\n{\"id\":\"d1\",\"p\":0.9}\n");
  EXPECT_EQ(process({.file = file, .score_field = "p"}).reason(), "above");
  EXPECT_EQ(SafetyScoreStage({.file = file, .score_field = "p"}, {.name = "s"}).resources().front(), file);
  EXPECT_NE(message_of<DataError>([&] { process({.file = file}); }).find("scores.jsonl:1: the number 'score' is missing"), std::string::npos);
  const std::string twice = directory.write("twice.jsonl", "{\"id\":\"a\",\"score\":0.1}\n{\"id\":\"a\",\"score\":0.2}\n");
  EXPECT_NE(message_of<DataError>([&] { process({.file = twice}); }).find("twice.jsonl:2: the id 'a' has a score already"), std::string::npos);
}

TEST(SafetyScoreStage, MissingScoresStayDropOrStop) {
  SafetyScoreStage::Config config{.field = "toxicity"};
  EXPECT_EQ(process(config).reason(), "");
  config.missing = MissingScore::drop;
  EXPECT_EQ(process(config).reason(), "missing");
  config.missing = MissingScore::stop;
  EXPECT_NE(message_of<DataError>([&] { process(config); }).find("in.jsonl:7: the stage safety finds no score of the document 'd1'"), std::string::npos);
}

TEST(SafetyScoreStage, HasExactlyOneOrigin) {
  EXPECT_THROW(process({}), ConfigError);
  EXPECT_THROW(process({.annotation = "a", .field = "b"}), ConfigError);
}

}  // namespace
}  // namespace phidias::data::pipeline
