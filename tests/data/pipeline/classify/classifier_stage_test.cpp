#include "data/pipeline/classify/classifier_stage.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/pipeline/pipeline_config.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::string kModel = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/classifier/softmax.bin";
const std::string kScience = "atom energy cell force theorem proof planet light wave number equation\n";
const std::string kKitchen = "butter flour oven recipe onion garlic simmer dough salt pepper bake\n";

struct Result {
  Document document;
  double number(std::string_view name) const { return document.annotations().number(name).value_or(-1); }
};

Result run(const ClassifierStage::Config& config, const std::string& text, const std::string& name = "educational") {
  const ClassifierStage stage(config, {.name = name});
  Result result;
  result.document.set_text(text);
  Document* const documents[] = {&result.document};
  stage.worker()->process(documents);
  return result;
}

double probability(const std::string& text, std::string_view label) {
  const FastTextClassifier model = FastTextClassifier::load(kModel);
  FastTextClassifier::Scratch scratch;
  return static_cast<double>(model.probabilities(text, scratch)[model.label_index(label)]);
}

TEST(ClassifierStage, WritesTheScoreUnderTheStagesNameAndDropsNothingWithoutAThreshold) {
  const Result result = run({.model = kModel, .label = "science"}, kKitchen);
  EXPECT_EQ(result.number("educational"), probability(kKitchen, "science"));
  EXPECT_LT(result.number("educational"), 0.1);
  EXPECT_FALSE(result.document.dropped());
}

TEST(ClassifierStage, DropsBelowTheThreshold) {
  EXPECT_EQ(run({.model = kModel, .label = "science", .threshold = 0.5}, kKitchen).document.reason(), "low_score");
  EXPECT_FALSE(run({.model = kModel, .label = "science", .threshold = 0.5}, kScience).document.dropped());
  EXPECT_EQ(run({.model = kModel, .label = "science", .threshold = 0.5}, "").document.reason(), "low_score");
}

TEST(ClassifierStage, NamesTheBestLabel) {
  const Result result = run({.model = kModel, .annotation = "topic_score", .top_label = "topic"}, kKitchen, "topics");
  EXPECT_EQ(result.document.annotations().text("topic"), "kitchen");
  EXPECT_EQ(result.number("topic_score"), probability(kKitchen, "kitchen"));
}

TEST(ClassifierStage, AggregatesPassages) {
  ClassifierStage::Config config{.model = kModel, .label = "science", .over = ScoredUnit::passages, .passage_words = 10};
  const double high = probability(kScience, "science"), low = probability(kKitchen, "science");
  EXPECT_NEAR(run(config, kScience + kKitchen).number("educational"), (high + low) / 2, 1e-12);  // both have eleven words
  EXPECT_EQ(run(config, kScience + kKitchen).number("educational.passages"), 2);
  config.aggregate = ScoreAggregate::max;
  EXPECT_EQ(run(config, kScience + kKitchen).number("educational"), high);
  config.aggregate = ScoreAggregate::minimum;
  EXPECT_EQ(run(config, kScience + kKitchen).number("educational"), low);
  config.aggregate = ScoreAggregate::share;
  config.threshold = 0.5;
  config.minimum_share = 0.5;
  EXPECT_NEAR(run(config, kScience + kKitchen + kKitchen).number("educational"), 1.0 / 3, 1e-12);
  EXPECT_EQ(run(config, kScience + kKitchen + kKitchen).document.reason(), "low_score");
  EXPECT_FALSE(run(config, kScience + kKitchen).document.dropped());
}

TEST(ClassifierStage, CutsPassagesBelowTheThreshold) {
  const ClassifierStage::Config config{
      .model = kModel, .label = "science", .over = ScoredUnit::passages, .passage_words = 10, .threshold = 0.5, .cut_low = true};
  const Result mixed = run(config, kScience + kKitchen + kScience);
  EXPECT_EQ(mixed.document.text(), kScience + kScience);
  EXPECT_EQ(mixed.number("educational.cut_passages"), 1);
  EXPECT_EQ(run(config, kScience).document.text(), kScience);
  EXPECT_EQ(run(config, kKitchen).document.reason(), "no_passage_left");
}

TEST(ClassifierStage, DoesWhatTheDescriptionBesideTheModelSays) {
  const TemporaryDirectory directory;
  std::filesystem::copy_file(kModel, directory.path() / "model.bin");
  directory.write("classifier.json", R"({"score": "label", "label": "science", "preparation": {"lower_case": true, "split_punctuation": true},
    "calibration": {"scores": [0.0, 1.0], "values": [0.25, 0.75]}})");
  const std::string model = (directory.path() / "model.bin").string();
  const std::string loud = "ATOM,energy! Force(planet)";
  const double raw = probability("atom , energy !  force ( planet ) ", "science");
  EXPECT_NEAR(run({.model = model}, loud).number("educational"), 0.25 + raw / 2, 1e-12);
  EXPECT_EQ(run({.model = model}, loud).number("educational_raw"), raw);
  EXPECT_EQ(run({.model = model, .over = ScoredUnit::lines}, loud).number("educational_raw"), raw);
  EXPECT_FALSE(run({.model = model, .calibrate = false}, loud).document.annotations().has("educational_raw"));
  EXPECT_EQ(run({.model = model, .calibrate = false}, loud).number("educational"), raw);
  // The curve was fitted to another label's probability.
  EXPECT_EQ(run({.model = model, .label = "sport"}, loud).number("educational"), probability("atom , energy !  force ( planet ) ", "sport"));
  const ClassifierStage stage({.model = model}, {.name = "educational"});
  EXPECT_EQ(stage.resources().size(), 2u);
}

TEST(ClassifierStage, IsNotDodgedByTheWordThatEndsALine) {
  EXPECT_EQ(run({.model = kModel, .label = "kitchen"}, "</s> " + kKitchen).number("educational"), probability(kKitchen, "kitchen"));
}

TEST(ClassifierStage, RefusesSettingsThatCannotBe) {
  EXPECT_THROW(run({.model = kModel, .label = "nonsense"}, ""), ConfigError);
  EXPECT_THROW(run({.model = kModel, .score = ScoreKind::expected}, ""), ConfigError);
  EXPECT_THROW(run({.model = kModel, .label = "science", .cut_low = true}, ""), ConfigError);
  EXPECT_THROW(run({.model = kModel, .label = "science", .over = ScoredUnit::lines, .cut_low = true}, ""), ConfigError);
  EXPECT_THROW(run({.model = "missing.bin"}, ""), DataError);
  const TemporaryDirectory directory;
  for (const char* text : {"[]", "{\"score\": 3}", "{\"score\": \"best of all\"}", "{\"calibration\": {\"scores\": [1, 0], \"values\": [0, 1]}}",
                           "{\"calibration\": {\"scores\": [1], \"values\": [0, 1]}}", "{\"preparation\": 3}"})
    EXPECT_THROW(run({.model = kModel, .description = directory.write("c.json", text), .label = "science"}, ""), DataError) << text;
}

TEST(ClassifierStage, IsReadFromAPipeline) {
  const PipelineConfig config = parse_pipeline_config(
      "output: out\nread: in.jsonl\nstages:\n  - classifier: {name: educational, model: m.bin, threshold: 0.4, over: passages, cut_low: true}\n"
      "  - quantile: {score: educational, keep: 0.3, per: [language, source]}\n"
      "  - quota: {score: educational, limits: [{topic: stem, share: 0.4}, {topic: business, amount: 1000}], unit: bytes}\n",
      "p.yaml", {});
  ASSERT_EQ(config.stages.size(), 3u);
  EXPECT_EQ(dump_pipeline_config(parse_pipeline_config(dump_pipeline_config(config), "p.yaml", {})), dump_pipeline_config(config));
}

}  // namespace
}  // namespace phidias::data::pipeline
