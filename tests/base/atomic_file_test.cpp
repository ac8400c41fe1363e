#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace phidias {
namespace {

class AtomicFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "phidias_atomic_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::size_t files_there() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
  }
  std::filesystem::path folder;
};

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(AtomicFiles, ReplaceWhatWasThere) {
  write_file_atomic(folder / "a", "one");
  EXPECT_EQ(read_file(folder / "a"), "one");
  const std::string binary("two\0three", 9);
  write_file_atomic(folder / "a", binary);
  EXPECT_EQ(read_file(folder / "a"), binary);
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(AtomicFiles, AppearOnlyWithCommitAndLeaveNothingWithoutIt) {
  write_file_atomic(folder / "a", "good");
  {
    AtomicFile file(folder / "a");
    file.write("half");
    EXPECT_EQ(read_file(folder / "a"), "good");
    EXPECT_EQ(files_there(), 2u);
  }
  EXPECT_EQ(read_file(folder / "a"), "good");
  EXPECT_EQ(files_there(), 1u);
  AtomicFile file(folder / "a");
  file.write("whole");
  file.commit();
  EXPECT_EQ(read_file(folder / "a"), "whole");
  EXPECT_EQ(files_there(), 1u);
  EXPECT_THROW(file.write("more"), DataError);
}

TEST_F(AtomicFiles, TwoWritersOfOneNameDoNotMix) {
  AtomicFile first(folder / "a"), second(folder / "a");
  first.write("first");
  second.write("second");
  second.commit();
  EXPECT_EQ(read_file(folder / "a"), "second");
  first.commit();
  EXPECT_EQ(read_file(folder / "a"), "first");
}

TEST_F(AtomicFiles, ErrorsNameThePathAndTheReason) {
  EXPECT_NE(message_of([&] { AtomicFile(folder / "missing" / "a"); }).find("missing/a: No such file or directory"), std::string::npos);
  EXPECT_NE(message_of([&] { read_file(folder / "nothing"); }).find("nothing: No such file or directory"), std::string::npos);
  EXPECT_NE(message_of([&] { read_file(folder); }).find("Is a directory"), std::string::npos);
  EXPECT_NE(message_of([&] { MappedFile(folder / "nothing"); }).find("nothing: No such file"), std::string::npos);
}

TEST_F(AtomicFiles, ALimitReachedWhileWritingKeepsTheOldFile) {
  write_file_atomic(folder / "a", "good");
  // The limit on the size of files stands for a quota; in a child, because it cannot be raised again.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = message_of([&] { write_file_atomic(folder / "a", std::string(1 << 20, 'x')); });
    ::_exit(message.find("File too large") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(folder / "a"), "good");
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(AtomicFiles, AFullDiskKeepsTheOldFile) {
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "a small file system cannot be mounted here: " << std::strerror(errno);
  }
  write_file_atomic(folder / "a", "good");
  const std::string message = message_of([&] { write_file_atomic(folder / "a", std::string(1 << 20, 'x')); });
  EXPECT_NE(message.find("a: No space left on device"), std::string::npos) << message;
  EXPECT_EQ(read_file(folder / "a"), "good");
  EXPECT_EQ(files_there(), 1u);
  ::umount(folder.c_str());
}

TEST_F(AtomicFiles, MapsAreTheBytesOfTheFile) {
  write_file_atomic(folder / "a", "mapped bytes");
  write_file_atomic(folder / "empty", "");
  MappedFile map(folder / "a");
  EXPECT_EQ(map.text(), "mapped bytes");
  EXPECT_EQ(MappedFile(folder / "empty").size(), 0u);
  MappedFile moved(std::move(map));
  EXPECT_EQ(moved.text(), "mapped bytes");
  EXPECT_EQ(map.size(), 0u);
  moved = MappedFile(folder / "empty");
  EXPECT_EQ(moved.text(), "");
}

TEST_F(AtomicFiles, PipesAreReadToTheirEnd) {
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    FILE* out = std::fopen(pipe.c_str(), "w");
    for (int i = 0; i < 20000; ++i) std::fputs("0123456789", out);
    std::fclose(out);
    ::_exit(0);
  }
  EXPECT_EQ(read_file(pipe).size(), 200000u);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace phidias
