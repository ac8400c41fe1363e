#include "data/pipeline/pipeline.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "tests/data/pipeline/pipeline_fixture.h"

namespace phidias::data::pipeline::pipeline_test {
namespace {

TEST(Pipeline, GoesOnWhereASignalStoppedIt) {
  Fixture whole, stopped(whole, "stopped");
  whole.run();
  int starts = 0;
  for (;; ++starts) {
    ASSERT_LT(starts, 200);
    int looks = 0;  // a later start looks up as often on its way through what is finished
    const PipelineOutcome outcome = stopped.run([&] { return ++looks == 1 + 2 * starts ? SIGTERM : 0; });
    if (outcome.signal == 0) break;
    EXPECT_EQ(outcome.signal, SIGTERM);
    EXPECT_FALSE(fs::exists(fs::path(stopped.config.output) / "manifest.json"));
  }
  EXPECT_GT(starts, 3);
  expect_equal(whole.files(), stopped.files());
}

TEST(Pipeline, GoesOnAfterAKillAtAnyMoment) {
  Fixture whole, killed(whole, "killed");
  whole.run();
  int kills = 0;
  for (int attempt = 1;; ++attempt) {
    ASSERT_LT(attempt, 200);
    const pid_t child = fork();
    if (child == 0) {
      int looks = 0;
      killed.run([&] {
        if (++looks == attempt) raise(SIGKILL);
        return 0;
      });
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) break;
    ++kills;
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
  }
  EXPECT_GT(kills, 3);
  expect_equal(whole.files(), killed.files());
}

TEST(Pipeline, DoesADamagedUnitAgain) {
  Fixture whole, damaged(whole, "damaged");
  whole.run();
  int looks = 0;
  ASSERT_NE(damaged.run([&] { return ++looks == 5 ? SIGTERM : 0; }).signal, 0);
  int cut = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(damaged.config.output) / "work")) {
    if (entry.path().extension() != ".unit") continue;
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
    ++cut;
  }
  ASSERT_GT(cut, 0);
  damaged.run();
  expect_equal(whole.files(), damaged.files());
}

TEST(Pipeline, RefusesToGoOnWithAnotherConfigurationOrInput) {
  Fixture fixture;
  fixture.run();
  EXPECT_TRUE(fixture.run().was_finished);
  fixture.config.stages[0] = length(13);
  const std::string told = message_of<ConfigError>([&] { fixture.run(); });
  EXPECT_NE(told.find("another configuration"), std::string::npos);
  EXPECT_NE(told.find("\n  then: "), std::string::npos) << told;
  EXPECT_NE(told.find("minimum: 12"), std::string::npos) << told;
  EXPECT_NE(told.find("minimum: 13"), std::string::npos) << told;
  fixture.config.stages[0] = length(12);
  fixture.folder->write("a.jsonl", lines(301));
  EXPECT_NE(message_of<DataError>([&] { fixture.run(); }).find("other input files"), std::string::npos);
  fixture.config.work.resume = false;
  EXPECT_FALSE(fixture.run().was_finished);
  EXPECT_EQ(fixture.manifest().at("documents").at("read").at("documents"), 501);
}

TEST(Pipeline, NamesTheDifferenceAlsoOfAnUnfinishedOutput) {
  Fixture fixture;
  EXPECT_EQ(fixture.run([] { return SIGTERM; }).signal, SIGTERM);
  fixture.config.name = "renamed";
  fixture.config.seed = 7;
  const std::string told = message_of<ConfigError>([&] { fixture.run(); });
  EXPECT_NE(told.find("then: seed: 0\n  now:  seed: 7"), std::string::npos) << told;
}

TEST(Pipeline, RefusesToReadWhatItWouldRemove) {
  Fixture fixture;
  fs::create_directories(fs::path(fixture.config.output) / "kept" / "a");
  fixture.add("out/kept/a/00000.jsonl", lines(20));
  EXPECT_NE(message_of<ConfigError>([&] { fixture.run(); }).find("another output"), std::string::npos);
  EXPECT_TRUE(fs::exists(fs::path(fixture.config.output) / "kept/a/00000.jsonl"));
}

TEST(Pipeline, UsesNothingThatAKilledRemovalHasLeft) {
  Fixture whole, begun(whole, "begun");
  whole.run();
  begun.config.stages[0] = length(25);
  int looks = 0;
  ASSERT_NE(begun.run([&] { return ++looks == 5 ? SIGTERM : 0; }).signal, 0);
  fs::remove(fs::path(begun.config.output) / "work" / "state.json");  // then work.resume=false was killed
  begun.config.stages[0] = length(12);
  begun.run();
  expect_equal(whole.files(), begun.files());
}

TEST(Pipeline, RefusesAnOutputInsideItsInput) {
  Fixture fixture;
  fixture.config.read = {{.path = fixture.folder->path().string()}};
  EXPECT_NE(message_of<ConfigError>([&] { fixture.run(); }).find("lies in the input folder"), std::string::npos);
}

TEST(Pipeline, AFinishedRunMissesItsShards) {
  Fixture fixture;
  fixture.run();
  fs::remove_all(fs::path(fixture.config.output) / "kept");
  EXPECT_NE(message_of<DataError>([&] { fixture.run(); }).find("missing or changed"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline::pipeline_test
