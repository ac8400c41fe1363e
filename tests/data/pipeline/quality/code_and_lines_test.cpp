#include <gtest/gtest.h>

#include "data/pipeline/quality/code_quality.h"
#include "data/pipeline/quality/comments.h"
#include "data/pipeline/quality/line_quality.h"
#include "data/pipeline/quality/visible_text.h"
#include "tests/data/pipeline/quality/stage_runner.h"

namespace phidias::data::pipeline {
namespace {

TEST(Comments, AreMeasuredByLanguageAndNotInsideStrings) {
  EXPECT_EQ(comment_bytes("x = '#no' # yes\ny = 1\n", "python"), 5);
  EXPECT_EQ(comment_bytes("def f():\n  \"\"\"doc\"\"\"\n  s = \"\"\"# no\"\"\"\n", "python"), 9);
  EXPECT_EQ(comment_bytes("int a; // b\n/* c\n*/ \"/* no */\"", "cpp"), 4 + 7);
  EXPECT_EQ(comment_bytes("<p>it's</p><!-- x -->", "html"), 10);
  EXPECT_EQ(comment_bytes("/* open", "c"), 7);
  EXPECT_LT(comment_bytes("{}", "json"), 0);
  EXPECT_EQ(language_of_ending(".py"), "python");
  EXPECT_EQ(language_of_ending("zig"), "zig");
  EXPECT_EQ(language_of_ending("hpp"), "cpp");
}

TEST(VisibleText, LeavesOutHeadScriptsAndComments) {
  EXPECT_EQ(visible_characters("<html><head><title>No</title></head><body><p>Yes  it\n is</p><script>no</script><!-- no --></body></html>"), 9u);
  EXPECT_EQ(visible_characters(""), 0u);
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "<div>";
  EXPECT_EQ(visible_characters(deep + "x"), 1u);
}

std::string repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(CodeQuality, NamesTheRuleThatIsBroken) {
  StageRunner<CodeQuality> runner;
  const std::string code = repeat("value = compute(first, second)  # adds\n", 20);
  EXPECT_EQ(runner.run(code, "a/b.py").reason(), "");
  EXPECT_NEAR(runner.statistic("comments"), 6.0 / 39.0, 1e-12);
  EXPECT_DOUBLE_EQ(runner.statistic("lines"), 20);
  EXPECT_DOUBLE_EQ(runner.statistic("mean_line"), 38);
  EXPECT_EQ(runner.run(code + std::string(1001, 'x'), "b.py").reason(), "max_line");
  EXPECT_EQ(runner.run(repeat(std::string(150, 'x') + "\n", 9), "b.c").reason(), "max_mean_line");
  EXPECT_EQ(runner.run(repeat("(){};+-*/ab\n", 9), "b.c").reason(), "min_alphanumeric");
  EXPECT_EQ(runner.run(repeat("value = compute(first, second)\n", 20), "b.py").reason(), "min_comments");
  EXPECT_EQ(runner.run(repeat("value = compute(first, second)\n", 20), "b.go").reason(), "");  // only in the preset's languages
  EXPECT_EQ(runner.run(repeat("# only comments\n", 20), "b.py").reason(), "max_comments");
  EXPECT_EQ(runner.run("<?xml version=\"1.0\"?><a>text</a>", "b.txt").reason(), "xml_head");
  EXPECT_EQ(runner.run("<?xml version=\"1.0\"?><a>text</a>", "b.xml").reason(), "");
  EXPECT_EQ(runner.run("{\"a\": 1}", "b.json").reason(), "min_data_characters");
  EXPECT_EQ(runner.run("<p>short</p>", "b.html").reason(), "min_visible_characters");
}

TEST(CodeQuality, FindsTheLanguageInAnnotationsFieldsAndEndings) {
  CodeQuality::Config config;
  config.preset = CodePreset::curator;
  config.min_lines = 0;
  StageRunner<CodeQuality> runner(config);
  const std::string code = "one plain line of words\n";
  EXPECT_EQ(runner.run(code, "x", "\"language\":\"SQL\"").reason(), "min_comments");
  EXPECT_EQ(runner.run(code, "x", "\"path\":\"src/a.rb\"").reason(), "min_comments");
  EXPECT_EQ(runner.run(code, "https://host.org/a.rs?v=1.0").reason(), "min_comments");
  EXPECT_EQ(runner.run(code, "x", "\"language\":\"json-ld\"").reason(), "");
  config.min_lines.reset();
  EXPECT_EQ(StageRunner<CodeQuality>(config).run(code, "a.unknown").reason(), "min_lines");
}

TEST(LineQuality, RemovesMenusCountersAndButtons) {
  LineQuality::Config config;
  config.max_removed_words = 1;
  StageRunner<LineQuality> runner(config);
  const std::string text =
      "A first line of prose.\n\nSHARE THIS NOW\n12345\n3.5K likes\nHome\n2 items in cart\nSign-in to comment here\nThe story goes on. Read more...\nThe end "
      "of it.";
  EXPECT_EQ(runner.run(text).text(), "A first line of prose.\n\nto comment here\nThe story goes on.\nThe end of it.");
  EXPECT_DOUBLE_EQ(runner.statistic("lines"), 9);
  EXPECT_DOUBLE_EQ(runner.statistic("kept_lines"), 4);
  EXPECT_DOUBLE_EQ(runner.statistic("words"), 30);
  EXPECT_DOUBLE_EQ(runner.statistic("removed_words"), 14);
  EXPECT_EQ(StageRunner<LineQuality>().run(text).reason(), "max_removed_words");
  EXPECT_EQ(runner.run("\n \n").reason(), "empty");
}

}  // namespace
}  // namespace phidias::data::pipeline
