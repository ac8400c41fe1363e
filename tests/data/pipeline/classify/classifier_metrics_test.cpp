#include "data/pipeline/classify/classifier_metrics.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

const std::vector<Judged> kTexts = {{0, 0, 0.1, 0, false}, {0, 1, 0.6, 0, false}, {0, 0, 0.2, 0, false}, {1, 1, 0.9, 1, true}, {1, 1, 0.6, 1, true}};

TEST(ClassifierMetrics, CountWhatWasPredicted) {
  const ClassifierMetrics metrics = judge(kTexts, {"low", "high"});
  EXPECT_EQ(metrics.confusion, (std::vector<std::vector<std::int64_t>>{{2, 1}, {0, 2}}));
  EXPECT_DOUBLE_EQ(metrics.accuracy, 0.8);
  EXPECT_DOUBLE_EQ(metrics.labels[1].precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.labels[1].recall, 1);
  EXPECT_DOUBLE_EQ(metrics.labels[1].f1, 0.8);
  EXPECT_DOUBLE_EQ(metrics.labels[0].f1, 0.8);
  EXPECT_NEAR(metrics.mean_absolute_error, (0.1 + 0.6 + 0.2 + 0.1 + 0.4) / 5, 1e-15);
}

TEST(ClassifierMetrics, CountPairsInTheRightOrderForTheAuc) {
  // Six pairs of a good text and another; five in order, one tied.
  EXPECT_DOUBLE_EQ(judge(kTexts, {"low", "high"}).auc, 5.5 / 6);
  EXPECT_EQ(judge({{0, 0, 0.1, 0, false}}, {"low", "high"}).auc, 0);
}

TEST(ClassifierMetrics, SayWhatAThresholdKeeps) {
  const ClassifierMetrics metrics = judge(kTexts, {"low", "high"});
  const ThresholdMetrics& middle = metrics.thresholds[4];
  EXPECT_EQ(middle.threshold, 0.6);
  EXPECT_DOUBLE_EQ(middle.kept, 0.6);
  EXPECT_DOUBLE_EQ(middle.precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(middle.recall, 1);
  EXPECT_NO_THROW(judge({}, {"low", "high"}));
  EXPECT_EQ(to_json(metrics)["labels"][0]["label"], "low");
  EXPECT_NE(to_text(metrics).find("accuracy 0.800"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
