#include "base/log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias {
namespace {

class Log : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(file); }
  void TearDown() override {
    configure_logging({});
    std::filesystem::remove(file);
  }
  std::string terminal(int rank, LogLevel level = LogLevel::info) {
    configure_logging({.rank = rank, .world_size = 4, .level = level, .file = file});
    ::testing::internal::CaptureStderr();
    log_debug("detail");
    log_info("hello");
    log_warning("careful");
    log_error("broken");
    return ::testing::internal::GetCapturedStderr();
  }
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "phidias_log_test.txt";
};

TEST_F(Log, RankZeroWritesEverythingToTheTerminal) { EXPECT_EQ(terminal(0), "hello\nwarning: careful\nerror: broken\n"); }

TEST_F(Log, OtherRanksWriteOnlyWhatIsWrongWithTheirRankInFront) {
  EXPECT_EQ(terminal(2), "[rank 2] warning: careful\n[rank 2] error: broken\n");
  EXPECT_NE(read_file(file).find("hello"), std::string::npos);  // all of it in the file
}

TEST_F(Log, LinesBelowTheLevelGoNowhere) {
  EXPECT_EQ(terminal(0, LogLevel::error), "error: broken\n");
  EXPECT_EQ(read_file(file).find("careful"), std::string::npos);
  EXPECT_EQ(terminal(0, LogLevel::debug), "debug: detail\nhello\nwarning: careful\nerror: broken\n");
}

TEST_F(Log, AFileIsContinuedAndItsLinesAreWholeWhenThreadsWrite) {
  write_file_atomic(file, "before\n");
  configure_logging({.rank = 1, .file = file});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) log_info("line of a thread");
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = read_file(file);
  EXPECT_TRUE(text.starts_with("before\n"));
  std::size_t whole = 0;
  for (std::size_t at = text.find(" line of a thread\n"); at != std::string::npos; at = text.find(" line of a thread\n", at + 1)) ++whole;
  EXPECT_EQ(whole, 400u);
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnError) { EXPECT_THROW(configure_logging({.file = file.string() + "/inside/a/file"}), DataError); }

}  // namespace
}  // namespace phidias
