#include "report/run_report.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias::report {
namespace {

class RunReport : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "phidias_report_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    run = name;
  }
  void TearDown() override { std::filesystem::remove_all(run); }
  void metrics(const std::string& text) { write_file_atomic(run / "metrics.jsonl", text); }
  std::filesystem::path run;
};

TEST_F(RunReport, WritesEveryCurveAndOnePageThatHoldsThemAll) {
  metrics(R"({"step": 1, "loss": 3.5, "learning_rate": 0.0001, "tokens_per_second": 800, "grad_norm": 2.0, "validation_loss": 3.75}
{"step": 2, "loss": 2.5, "learning_rate": 0.0002, "tokens_per_second": 810, "grad_norm": 1.5, "validation_loss": 3.25}
)");
  write_file_atomic(run / "config.yaml", "method: sft   # <b>\n");
  const auto written = write_run_report(run);
  ASSERT_EQ(written.size(), 5u);
  EXPECT_EQ(written[0], run / "report" / "index.html");
  const std::string page = read_file(written[0]);
  for (const char* name : {"loss.svg", "learning_rate.svg", "tokens_per_second.svg", "grad_norm.svg"}) {
    EXPECT_NE(page.find(read_file(run / "report" / name)), std::string::npos) << name;
  }
  EXPECT_NE(page.find("3.5, 2.5"), std::string::npos);
  EXPECT_NE(page.find("3.25 at step 2"), std::string::npos);
  EXPECT_NE(page.find("# &lt;b&gt;"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_NE(read_file(run / "report" / "loss.svg").find("validation"), std::string::npos);
}

TEST_F(RunReport, PassesOverALineThatWasBeingWrittenAndValuesThatWereNotFinite) {
  metrics("{\"step\": 1, \"loss\": 3.5}\n{\"step\": 2, \"loss\": null}\n{\"step\": 3, \"lo");
  const auto written = write_run_report(run);
  EXPECT_EQ(written.size(), 2u);  // the page and the loss: nothing else was measured
  EXPECT_NE(read_file(written[0]).find("<td>3.5, 3.5</td>"), std::string::npos);
}

TEST_F(RunReport, CanBeWrittenBeforeTheFirstStep) {
  metrics("");
  EXPECT_NE(read_file(write_run_report(run)[0]).find("no data"), std::string::npos);
}

TEST_F(RunReport, NamesABrokenLineAndAFolderThatIsNoRun) {
  metrics("{\"step\": 1, \"loss\": 3.5}\n{\"step\": 2 \"loss\": 1}\n");
  try {
    write_run_report(run);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("metrics.jsonl:2:"), std::string::npos) << error.what();
  }
  metrics("[1]\n");
  EXPECT_THROW(write_run_report(run), DataError);
  EXPECT_THROW(write_run_report(run / "nothing"), DataError);
}

}  // namespace
}  // namespace phidias::report
