#include "trainer/metrics/metrics_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

#include "base/atomic_file.h"
#include "base/json.h"

namespace phidias::trainer {
namespace {

class MetricsFileTest : public ::testing::Test {
 protected:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("phidias-metrics-" + std::to_string(::getpid()) + ".jsonl");
  void TearDown() override { std::filesystem::remove(path_); }
};

TEST_F(MetricsFileTest, CuttingBackKeepsLinesUpToTheStepAndDropsAHalfWrittenOne) {
  write_file_atomic(path_, "{\"step\":0,\"validation_loss\":5}\n{\"step\":1,\"loss\":4}\n{\"step\":2,\"loss\":3}\n{\"step\":3,\"lo");
  cut_metrics_back(path_, 1);
  EXPECT_EQ(read_file(path_), "{\"step\":0,\"validation_loss\":5}\n{\"step\":1,\"loss\":4}\n");
  cut_metrics_back(path_, 7);
  EXPECT_EQ(read_file(path_), "{\"step\":0,\"validation_loss\":5}\n{\"step\":1,\"loss\":4}\n");
}

TEST_F(MetricsFileTest, ALineIsJsonAlsoWhenTheLossIsNot) {
  TrainState state;
  state.step = 1;
  StepReport report{.state = &state, .tokens = 12};
  report.result.loss = std::numeric_limits<double>::quiet_NaN();
  report.result.finite = false;
  MetricsFile(path_).after_step(report);
  const Json line = parse_json(read_file(path_), "metrics");
  EXPECT_TRUE(line["loss"].is_null());
  EXPECT_EQ(line["skipped"], true);
  EXPECT_EQ(line["tokens"], 12);
}

}  // namespace
}  // namespace phidias::trainer
