#include <gtest/gtest.h>

#include "base/error.h"
#include "data/pipeline/pipeline_config.h"
#include "tests/data/pipeline/text/stage_run.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

PipelineConfig parse(const std::string& stages) { return parse_pipeline_config("output: out\nread: [{path: x.jsonl}]\nstages:\n" + stages, "test.yaml", {}); }

TEST(TextStages, AreReadFromAPipelineFileAndWrittenBackEqual) {
  const std::string all =
      "  - url_filter: {domains: [a.txt.gz], soft_words: [b.txt, c.txt], soft_threshold: 3, ignore_case: false, without_url: drop}\n"
      "  - extract_html: {input: html, tables: tabs, headings: markdown, code: plain, keep_links: true, max_bytes: 1000}\n"
      "  - normalise: {unicode: nfkc, mojibake: false, zero_width: remove, max_newlines: 0}\n"
      "  - cut: {max_characters: 100, at: word, too_long: drop}\n"
      "  - sample: {fraction: 0.25, offset: 0.5, by: url, seed: 3}\n"
      "  - decide: {name: d, rules: [{annotation: a.b, minimum: 0.5, name: low}, {annotation: language, equals: [en, de], missing: drop}]}\n";
  const PipelineConfig config = parse(all);
  ASSERT_EQ(config.stages.size(), 6u);
  EXPECT_EQ(config.stages[0].name(), "url_filter");
  EXPECT_EQ(config.stages[5].name(), "d");
  const std::string dump = dump_pipeline_config(config);
  EXPECT_EQ(dump_pipeline_config(parse_pipeline_config(dump, "dump.yaml", {})), dump);
  for (const char* part : {"tables: tabs", "unicode: nfkc", "at: word", "by: url", "annotation: a.b", "minimum: 0.5"})
    EXPECT_NE(dump.find(part), std::string::npos) << part << "\n" << dump;
}

TEST(TextStages, MadeFromAPipelineFileDoWhatItSays) {
  const PipelineConfig config = parse("  - decide: {rules: [{annotation: words, minimum: 50}, {annotation: language, equals: [en], name: not_english}]}\n");
  const std::unique_ptr<Stage> stage = config.stages[0].settings->make(setup_named("decide"));
  Document document = document_of("text");
  document.annotations().set("words", 60.0);
  document.annotations().set("language", "fr");
  run(*stage, document);
  EXPECT_EQ(document.reason(), "not_english");
}

TEST(TextStages, RefuseUnknownKeysAndValues) {
  EXPECT_THROW(parse("  - normalise: {unicode: nfd}\n"), ConfigError);
  EXPECT_THROW(parse("  - extract_html: {table: pipes}\n"), ConfigError);
  EXPECT_THROW(parse("  - sample: {fraction: 1.5}\n"), ConfigError);
  EXPECT_THROW(parse("  - sample: {}\n"), ConfigError);
}

}  // namespace
}  // namespace phidias::data::pipeline
