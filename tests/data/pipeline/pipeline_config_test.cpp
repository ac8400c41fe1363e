#include "data/pipeline/pipeline_config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

constexpr const char* kHead = "output: out\nread: a.jsonl\n";

std::string problem(const std::string& text) {
  return message_of<ConfigError>([&] { parse_pipeline_config(text, "p.yaml", {}); });
}

TEST(PipelineConfig, ReadsBackToItself) {
  const PipelineConfig config = parse_pipeline_config(
      "name: web\noutput: out\nseed: 3\nread:\n  - {path: 'a*.jsonl', source: web, text_field: content}\n  - b.warc.gz\nwrite: {level: 9}\nstages: []\n",
      "p.yaml", {"write.shard_bytes=1e6", "on_error=skip"});
  EXPECT_EQ(config.read.size(), 2u);
  EXPECT_EQ(config.read[0].text_field, "content");
  EXPECT_EQ(config.read[1].path, "b.warc.gz");
  EXPECT_EQ(config.write.level, 9);
  EXPECT_EQ(config.write.shard_bytes, 1000000);
  EXPECT_EQ(config.on_error, configs::OnError::skip);
  const std::string dumped = dump_pipeline_config(config);
  EXPECT_EQ(dump_pipeline_config(parse_pipeline_config(dumped, "q.yaml", {})), dumped);
}

TEST(PipelineConfig, NamesTheLineAndTheRightKey) {
  EXPECT_NE(problem("output: out\nread: a.jsonl\nwrite:\n  shard_byte: 5\n").find("p.yaml:4:3"), std::string::npos);
  EXPECT_NE(problem("output: out\nread: a.jsonl\nwrite:\n  shard_byte: 5\n").find("did you mean shard_bytes?"), std::string::npos);
  EXPECT_NE(problem("read: a.jsonl\n").find("output: required"), std::string::npos);
}

TEST(PipelineConfig, SaysThatStagesAreNotOverridden) {
  const std::string text = std::string(kHead) + "stages: [minhash]\n";
  for (const char* given : {"stages[0].minhash.bands=3", "stages=[]", "stages.0=minhash"})
    EXPECT_EQ(message_of<ConfigError>([&] { parse_pipeline_config(text, "p.yaml", {"seed=1", given}); }),
              "p.yaml: " + std::string(given) + ": stages are not overridden: edit the file");
  EXPECT_EQ(parse_pipeline_config(text, "p.yaml", {"seed=1"}).stages.at(0).position, "p.yaml:3:10");
}

TEST(PipelineConfig, TellsAllMistakesAtOnce) {
  const std::string told = problem(std::string(kHead) + "seed: -1\nstages:\n  - no_such_stage\n  - {a: 1, b: 2}\n");
  EXPECT_NE(told.find("seed"), std::string::npos);
  EXPECT_NE(told.find("no stage 'no_such_stage'"), std::string::npos);
  EXPECT_NE(told.find("stages[1]"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
