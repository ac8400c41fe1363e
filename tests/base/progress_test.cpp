#include "base/progress.h"

#include <gtest/gtest.h>

namespace phidias {
namespace {

TEST(Duration, IsPrintedInTheUnitsAPersonWouldUse) {
  EXPECT_EQ(format_duration(0), "0.0 s");
  EXPECT_EQ(format_duration(0.44), "0.4 s");
  EXPECT_EQ(format_duration(9.97), "10 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(200), "3 min 20 s");
  EXPECT_EQ(format_duration(3599.7), "1 h 00 min");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(1e300 * 1e300), "?");
}

TEST(Bytes, ArePrintedInPowersOfTen) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(999.6), "1.0 kB");
  EXPECT_EQ(format_bytes(1.7e6), "1.7 MB");
  EXPECT_EQ(format_bytes(2.5e9), "2.50 GB");
  EXPECT_EQ(format_bytes(3.21e12), "3.21 TB");
  EXPECT_EQ(format_bytes(-2e6), "-2.0 MB");
}

TEST(Progress, EndsWithOnePlainLineWhereNoTerminalIs) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("tokenise", 350000000, "MB", 1e6);
    for (int i = 0; i < 1000; ++i) progress.update(i * 350000);  // too soon for another line
    progress.update(350000000);
    progress.finish();
    progress.finish();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("tokenise  100 %  350/350 MB  ")) << text;
  EXPECT_NE(text.find(" MB/s  0.0 s\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(Progress, WithoutATotalShowsWhatIsDone) {
  ::testing::internal::CaptureStderr();
  Progress progress("read", 0, "records");
  progress.update(12);
  progress.finish();
  EXPECT_TRUE(::testing::internal::GetCapturedStderr().starts_with("read  12 records  "));
}

TEST(Progress, IsSilentWhenDisabled) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("read", 10, "records", 1.0, false);
    progress.update(10);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace phidias
