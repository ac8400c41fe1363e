#include "data/pipeline/dedup/passage_dedup.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/pipeline/dedup/collective_driver.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

std::vector<std::string> texts_of(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> texts;
  for (const Outcome& outcome : outcomes) texts.push_back(outcome.text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(LineDedup, RemovesLaterOccurrencesAlsoWithinADocument) {
  const TemporaryDirectory directory;
  const auto outcomes = run_stage<LineDedup>({}, {{"menu\nfirst\nmenu\n"}, {"second\n  menu\nlast"}, {"menu\n\n"}, {"third\n\n\nline"}},
                                             {.scratch = directory.path() / "scratch"});
  EXPECT_EQ(texts_of(outcomes), (Texts{"menu\nfirst\n", "second\nlast", "\n", "third\n\n\nline"}));
  EXPECT_EQ(reasons_of(outcomes), (Texts{"-", "-", "empty", "-"}));
  EXPECT_EQ(outcomes[1].annotations, "dedup.removed=1.000000 dedup.removed_share=0.388889 ");  // 7 of 18 bytes
}

TEST(LineDedup, ShortLinesDoNotCount) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{"\u00e9\u00e9\u00e9\na b c\n}\n"}, {"\u00e9\u00e9\u00e9\na b c\n}\n"}};
  EXPECT_EQ(texts_of(run_stage<LineDedup>({{.minimum_characters = 4}}, samples, options))[1], "\u00e9\u00e9\u00e9\n}\n");
  EXPECT_EQ(texts_of(run_stage<LineDedup>({{.minimum_characters = 3}}, samples, options))[1], "}\n");
  EXPECT_EQ(texts_of(run_stage<LineDedup>({{.minimum_words = 3}}, samples, options))[1], "\u00e9\u00e9\u00e9\n}\n");
}

TEST(LineDedup, CcNetSeesPastCaseDigitsAndTypography) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{"Page 1 \u2013 Contact\nx"}, {"page 7  contact\ny"}};
  EXPECT_EQ(texts_of(run_stage<LineDedup>({}, samples, options))[1], samples[1].text);
  EXPECT_EQ(texts_of(run_stage<LineDedup>({{.normalise = LineNormalisation::cc_net}}, samples, options))[1], "y");
}

TEST(LineDedup, SourcesCanBeApartAndMostlyRepeatedDocumentsGo) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{"aaaa\nb\n"}, {"aaaa\nc\n"}, {.text = "aaaa\nb\n", .source = "other"}};
  EXPECT_EQ(reasons_of(run_stage<LineDedup>({{.drop_above = 0.7}}, samples, options)), (Texts{"-", "mostly_duplicate", "empty"}));
  EXPECT_EQ(reasons_of(run_stage<LineDedup>({{.drop_above = 0.8, .scope = DedupScope::source}}, samples, options)), (Texts{"-", "-", "-"}));
}

TEST(LineDedup, RefusesMoreLinesThanFitIntoMemory) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples{{"a\nb\nc\nd\n"}};
  const auto run = [&](std::int64_t memory_bytes) {
    run_stage<LineDedup>({}, samples, {.scratch = directory.path() / "scratch", .memory_bytes = memory_bytes});
  };
  EXPECT_NO_THROW(run(4 * 48));
  EXPECT_NE(message_of<ConfigError>([&] { run(4 * 48 - 1); }).find("needs 192 bytes of memory on one rank and may take 191"), std::string::npos);
}

TEST(ParagraphDedup, RemovesAParagraphWithTheBlankLinesBehindIt) {
  const TemporaryDirectory directory;
  const auto outcomes = run_stage<ParagraphDedup>({}, {{"one\nmore\n\ntwo\n"}, {"zero\n\none\nmore\n \n\nthree\n"}, {"one\n\nmore\n"}},
                                                  {.scratch = directory.path() / "scratch"});
  EXPECT_EQ(texts_of(outcomes), (Texts{"one\nmore\n\ntwo\n", "zero\n\nthree\n", "one\n\nmore\n"}));
}

}  // namespace
}  // namespace phidias::data::pipeline
