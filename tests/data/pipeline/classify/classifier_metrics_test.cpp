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
  EXPECT_DOUBLE_EQ(judge(kTexts, {"low", "high"}).auc.value(), 5.5 / 6);
}

TEST(ClassifierMetrics, HaveNoAucWithoutGoodTextsAndOthers) {
  const std::vector<Judged> all_good = {{1, 1, 0.9, 1, true}, {1, 1, 0.6, 1, true}};
  for (const ClassifierMetrics& metrics :
       {judge({{0, 0, 0.1, 0, false}}, {"low", "high"}), judge(all_good, {"low", "high"}), judge(kTexts, {"a", "b"}, false)}) {
    EXPECT_FALSE(metrics.auc.has_value());
    EXPECT_TRUE(to_json(metrics).at("auc").is_null());
    EXPECT_EQ(to_text(metrics).find("AUC"), std::string::npos);
  }
  EXPECT_NE(to_text(judge(kTexts, {"low", "high"})).find("AUC 0.917"), std::string::npos);
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
