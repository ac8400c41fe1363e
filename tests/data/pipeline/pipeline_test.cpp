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

TEST(Pipeline, KeepsDropsAndCountsEveryDocument) {
  Fixture fixture;
  fixture.run();
  const auto kept = fixture.documents("kept"), dropped = fixture.documents("dropped");
  const Json manifest = fixture.manifest(), counts = manifest.at("documents");
  EXPECT_EQ(kept.size() + dropped.size(), 500u);
  EXPECT_EQ(counts.at("in"), 500);
  EXPECT_EQ(counts.at("read").at("documents"), 500);
  EXPECT_EQ(counts.at("kept").at("documents"), kept.size());
  EXPECT_EQ(counts.at("dropped").at("documents"), dropped.size());
  EXPECT_EQ(counts.at("failed"), 0);
  EXPECT_EQ(kept.size(), 97u) << "one document per word";
  std::map<std::string, int> reasons;
  for (const Json& document : dropped) {
    EXPECT_EQ(document.at("kept"), false);
    ++reasons[document.at("reason")];
  }
  EXPECT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons["length.short"], 43 + 29);
  EXPECT_EQ(reasons["first_word.again"], 500 - 97 - 43 - 29);
  const Json& stages = manifest.at("stages");
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[1].at("rules")[0].at("documents"), 72);
  EXPECT_EQ(stages[1].at("rules")[0].at("samples").size(), 3u);
  EXPECT_EQ(stages[2].at("documents_in"), 428);
  EXPECT_EQ(stages[2].at("documents_out"), 97);
  EXPECT_EQ(stages[2].at("notes").at("words"), "97");
  EXPECT_EQ(stages[3].at("documents_out"), 97) << "annotate drops nothing";
  EXPECT_EQ(manifest.at("distributions").at("length.characters").at("count"), 500);
  EXPECT_FALSE(fs::exists(fs::path(fixture.config.output) / "work"));
}

TEST(Pipeline, WritesWhatTheStagesFoundAndKeepsTheInputsOtherFields) {
  Fixture fixture;
  fixture.run();
  const auto kept = fixture.documents("kept");
  const Json& document = kept.at(1);
  EXPECT_EQ(document.at("kept"), true);
  EXPECT_EQ(document.at("date"), "2024-01-01");
  EXPECT_EQ(document.at("source"), "a");
  EXPECT_EQ(document.at("annotations").at("length.characters"), document.at("text").get<std::string>().size());
  bool cleaned = false, annotated = false;
  for (const Json& each : kept) {
    cleaned = cleaned || each.at("annotations").at("length.characters") != each.at("text").get<std::string>().size();
    annotated = annotated || each.at("annotations").contains("later.reason");
    EXPECT_FALSE(each.at("text").get<std::string>().ends_with('!'));
  }
  EXPECT_TRUE(cleaned);
  EXPECT_FALSE(annotated) << "no text that is left is shorter than 20";
}

TEST(Pipeline, GivesTheSameBytesOnAnyNumberOfThreads) {
  Fixture one, three(one, "three");
  three.config.work.threads = 3;
  one.run();
  three.run();
  EXPECT_GT(one.files().size(), 3u);
  expect_equal(one.files(), three.files());
}

TEST(Pipeline, SaysWhichStageCannotBeMade) {
  Fixture fixture;
  fixture.config.stages[1] = test_stages::entry<Impossible>(impossible_type(), "mine");
  EXPECT_EQ(message_of<DataError>([&] { fixture.run(); }), "stages[1] (mine): model.bin: cannot read it");
  fixture.config.stages[1].position = "web.yaml:7:5";
  EXPECT_EQ(message_of<DataError>([&] { fixture.run(); }), "web.yaml:7:5: stages[1] (mine): model.bin: cannot read it");
}

TEST(Pipeline, CountsWhatCannotBeReadWithFileAndLine) {
  Fixture fixture;
  fixture.add("bad.jsonl", "{\"text\": \"a good line of text\"}\nnot json\n{\"no\": 1}\n{\"text\": \"\"}\n{\"text\": \"\xff\"}\n{\"text\": 7}\n");
  EXPECT_NE(message_of<DataError>([&] { fixture.run(); }).find("bad.jsonl:2: "), std::string::npos);
  fixture.config.on_error = configs::OnError::skip;
  fixture.config.work.resume = false;
  fixture.run();
  const Json manifest = fixture.manifest();
  EXPECT_EQ(manifest.at("documents").at("failed"), 4);
  EXPECT_EQ(manifest.at("sources").at("bad").at("read").at("documents"), 2);
  EXPECT_EQ(manifest.at("stages")[0].at("rules")[0].at("rule"), "empty_text");
  ASSERT_EQ(manifest.at("problems").size(), 4u);
  EXPECT_EQ(manifest.at("problems")[3].at("line"), 6);
  const std::string errors = read_file(fs::path(fixture.config.output) / "errors.jsonl");
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 4);
}

TEST(Pipeline, KeepsWhatStandsBeforeTheDamageOfAFile) {
  Fixture fixture;
  const std::string path = (fixture.folder->path() / "cut.jsonl.gz").string();
  const gzFile file = gzopen(path.c_str(), "wb");
  const std::string content = lines(3000, 3);
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  fs::resize_file(path, fs::file_size(path) / 2);
  fixture.config.read = {{.path = path}};
  EXPECT_NE(message_of<DataError>([&] { fixture.run(); }).find("cut.jsonl.gz"), std::string::npos);
  fixture.config.on_error = configs::OnError::skip;
  fixture.config.work.resume = false;
  fixture.run();
  const Json counts = fixture.manifest().at("documents");
  EXPECT_EQ(counts.at("failed"), 1);
  EXPECT_EQ(fixture.manifest().at("problems")[0].at("line"), counts.at("read").at("documents").get<int>() + 1) << "behind what was read";
  EXPECT_GT(counts.at("read").at("documents"), 500);
  EXPECT_LT(counts.at("read").at("documents"), 2500);
}

TEST(Pipeline, LeavesDocumentsThatAStageDoesNotSeeAlone) {
  Fixture fixture;
  fixture.config.stages = {length(1000, StageMode::drop, {.language = {}, .source = {"b"}})};
  fixture.run();
  const Json manifest = fixture.manifest();
  EXPECT_EQ(manifest.at("stages")[1].at("documents_in"), 200);
  EXPECT_EQ(manifest.at("sources").at("a").at("kept").at("documents"), 300);
  EXPECT_EQ(manifest.at("sources").at("b").at("kept").at("documents"), 0);
}

TEST(Pipeline, CutsShardsByTheBytesOfDocuments) {
  Fixture fixture;
  fixture.config.stages = {};
  fixture.config.write.shard_bytes = 10000;
  fixture.run();
  const auto files = fixture.files();
  EXPECT_TRUE(files.contains("kept/a/00002.jsonl.zst"));
  EXPECT_TRUE(files.contains("kept/b/00001.jsonl.zst"));
  std::int64_t documents = 0;
  for (const auto& [name, content] : files)
    if (name.starts_with("kept/")) {
      const std::string text = decompress(content);
      EXPECT_LE(text.size(), 10000u);
      documents += std::count(text.begin(), text.end(), '\n');
    }
  EXPECT_EQ(documents, 500);
}

TEST(Pipeline, IsReadAgainAsItWasWritten) {
  Fixture fixture;
  fixture.run();
  Fixture second(fixture, "second");
  second.config.read = {{.path = fixture.config.output + "/kept"}};
  second.config.stages = {};
  second.run();
  EXPECT_EQ(fixture.documents("kept"), second.documents("kept"));
  EXPECT_TRUE(second.manifest().at("sources").contains("a")) << "the folders of an output are its sources";
}

TEST(Pipeline, ReadsFilesWhoseNamesAreNotUtf8) {
  Fixture fixture;
  fixture.config.stages = {};
  fixture.add("caf\xe9.jsonl", lines(20));
  fixture.run();
  EXPECT_EQ(fixture.manifest().at("documents").at("kept").at("documents"), 520);
  EXPECT_TRUE(fixture.run().was_finished);
}

TEST(Pipeline, DoesNotTakeAFailureOfItsOwnForDamageOfAFile) {
  Fixture fixture;
  fixture.config.on_error = configs::OnError::skip;
  const fs::path units = fs::path(fixture.config.output) / "work" / "s0";
  int looks = 0;
  const auto break_disk = [&] {
    if (++looks == 2) {
      fs::remove_all(units);
      fixture.folder->write("out/work/s0", "not a folder");
    }
    return 0;
  };
  EXPECT_NE(message_of<DataError>([&] { fixture.run(break_disk); }).find("cannot"), std::string::npos);
}

TEST(Pipeline, CountsAnnotationsThatAreTooLargeToBeSquared) {
  Fixture fixture;
  fixture.config.stages = {};
  fixture.add("large.jsonl",
              "{\"text\": \"one\", \"annotations\": {\"x\": 1e200}}\n{\"text\": \"two\", \"annotations\": {\"x\": -1e308}}\n"
              "{\"text\": \"three\", \"annotations\": {\"x\": 2}}\n");
  fixture.run();
  const Json x = fixture.manifest().at("distributions").at("x");
  EXPECT_EQ(x.at("not_finite"), 2);
  EXPECT_EQ(x.at("mean"), 2);
}

TEST(Pipeline, TakesBackAReasonThatAnEarlierPipelineAnnotated) {
  Fixture fixture;
  fixture.config.read.clear();
  fixture.add("c.jsonl", "{\"text\": \"a text that is long enough\", \"annotations\": {\"length.reason\": \"short\"}}\n{\"text\": \"brief\"}\n");
  fixture.config.stages = {length(12, StageMode::annotate)};
  fixture.run();
  const auto kept = fixture.documents("kept");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_FALSE(kept[0].at("annotations").contains("length.reason"));
  EXPECT_EQ(kept[1].at("annotations").at("length.reason"), "short");
}

TEST(Pipeline, NamesRulesOfStagesWithADotInTheirNames) {
  Fixture fixture;
  fixture.config.stages = {length(12, StageMode::drop, {}, "length.of.text")};
  fixture.run();
  EXPECT_EQ(fixture.manifest().at("stages")[1].at("rules")[0].at("rule"), "short");
}

TEST(Document, ForgetsTheWordsOfALongText) {
  const WordSplitter& splitter = WordSplitter::of(SplitterKind::whitespace);
  Document document;
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "a ";
  document.set_text(text);
  EXPECT_EQ(document.words(splitter).size(), 400'000u);
  document.clear();
  document.set_text("two words");
  EXPECT_EQ(document.words(splitter).size(), 2u);
  EXPECT_LT(document.words(splitter).capacity(), 400'000u);
}

TEST(Pipeline, RefusesAComparisonThatDoesNotFit) {
  Fixture fixture;
  fixture.config.work.memory_bytes = 1000;
  EXPECT_NE(message_of<ConfigError>([&] { fixture.run(); }).find("work.memory_bytes"), std::string::npos);
}

TEST(Pipeline, AnnotateChangesNoTextAndDropsNothing) {
  Fixture fixture;
  fixture.config.stages = {length(12, StageMode::annotate)};
  fixture.run();
  const auto kept = fixture.documents("kept");
  ASSERT_EQ(kept.size(), 500u);
  int short_ones = 0, ends = 0, changes = 0;
  for (const Json& document : kept) {
    short_ones += document.at("annotations").contains("length.reason");
    changes += document.at("annotations").contains("length.would_change");
    ends += document.at("text").get<std::string>().ends_with("!!");
  }
  EXPECT_EQ(short_ones, 43 + 29);
  EXPECT_EQ(ends, changes);
  EXPECT_GT(ends, 40);
}

}  // namespace
}  // namespace phidias::data::pipeline::pipeline_test
