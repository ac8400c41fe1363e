#include "data/pipeline/dedup/exact_dedup.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/pipeline/dedup/collective_driver.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

using Reasons = std::vector<std::string>;

TEST(ExactDedup, KeepsTheFirstOfEqualTexts) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples{{"a"}, {"b"}, {"a"}, {"c"}, {"b"}, {"a"}, {""}, {""}};
  const auto outcomes = run_stage<ExactDedup>({}, samples, {.scratch = directory.path() / "scratch"});
  EXPECT_EQ(reasons_of(outcomes), (Reasons{"-", "-", "duplicate", "-", "duplicate", "duplicate", "-", "duplicate"}));
  EXPECT_EQ(outcomes[0].annotations, "dedup.cluster=0.000000 dedup.cluster_size=3.000000 ");
  EXPECT_EQ(outcomes[5].annotations, outcomes[0].annotations);
  EXPECT_EQ(outcomes[3].annotations, "");
}

TEST(ExactDedup, KeepsTheBestAndAmongEqualsTheFirst) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples{{.text = "a", .score = 1}, {.text = "a", .score = 3}, {.text = "a", .score = 3}, {.text = "b", .score = 0}};
  const auto outcomes = run_stage<ExactDedup>({.keep = KeepRule::best, .score = "score"}, samples, {.scratch = directory.path() / "scratch"});
  EXPECT_EQ(reasons_of(outcomes), (Reasons{"duplicate", "-", "duplicate", "-"}));
  EXPECT_THROW(run_stage<ExactDedup>({.keep = KeepRule::best}, samples, {.scratch = directory.path() / "scratch"}), ConfigError);
  EXPECT_THROW(run_stage<ExactDedup>({.score = "score"}, samples, {.scratch = directory.path() / "scratch"}), ConfigError);
}

TEST(ExactDedup, ComparesAddressesNormalisedTextsAndSources) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{.text = "One, two: 3", .url = "http://a/", .source = "x"},
                                    {.text = "one two 77", .url = "http://b/", .source = "x"},
                                    {.text = "another", .url = "http://a/", .source = "y"},
                                    {.text = "no address", .source = "y"},
                                    {.text = "ONE TWO 5.5", .source = "y"}};
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({.by = ExactKey::url}, samples, options)), (Reasons{"-", "-", "duplicate", "-", "-"}));
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({.by = ExactKey::normalised_text}, samples, options)), (Reasons{"-", "duplicate", "-", "-", "duplicate"}));
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({.by = ExactKey::normalised_text, .scope = DedupScope::source}, samples, options)),
            (Reasons{"-", "duplicate", "-", "-", "-"}));
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({}, samples, options)), (Reasons{"-", "-", "-", "-", "-"}));
}

TEST(ExactDedup, DropsWhatAnEarlierDumpHad) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::string first = directory.path() / "first", second = directory.path() / "second";
  run_stage<ExactDedup>({.write_signatures = first}, {{"a"}, {"b"}, {"a"}}, options);
  const auto outcomes = run_stage<ExactDedup>({.write_signatures = second, .against = {first}}, {{"c"}, {"b"}, {"c"}, {"b"}}, options);
  EXPECT_EQ(reasons_of(outcomes), (Reasons{"-", "earlier_dump", "duplicate", "earlier_dump"}));
  EXPECT_EQ(outcomes[1].annotations, "dedup.cluster_size=3.000000 ");
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({.against = {first, second}}, {{"c"}, {"a"}, {"d"}}, options)), (Reasons{"earlier_dump", "earlier_dump", "-"}));
  EXPECT_THROW(run_stage<ExactDedup>({.by = ExactKey::url, .against = {first}}, {{"c"}}, options), DataError);
  EXPECT_THROW(run_stage<ExactDedup>({.write_signatures = first, .against = {first}}, {{"c"}}, options), ConfigError);
}

TEST(ExactDedup, LeavesAnEmptyCorpusAlone) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(run_stage<ExactDedup>({.write_signatures = directory.path() / "store"}, {}, {.scratch = directory.path() / "scratch"}).empty());
  EXPECT_EQ(reasons_of(run_stage<ExactDedup>({.against = {directory.path() / "store"}}, {{"a"}}, {.scratch = directory.path() / "scratch"})), (Reasons{"-"}));
}

}  // namespace
}  // namespace phidias::data::pipeline
