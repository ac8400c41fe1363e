#include "data/pipeline/dedup/substring_dedup.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/pipeline/dedup/generated_corpus.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::string kShared = "this passage of more than thirty bytes stands in several documents";

TEST(SubstringDedup, RemovesAllButTheFirstOccurrence) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{"head " + kShared + " tail"}, {"other head! " + kShared + "? other tail"}, {kShared}, {"nothing of the kind"}};
  const auto later = run_stage<SubstringDedup>({.minimum_bytes = 30}, samples, options);
  EXPECT_EQ(later[0].text, samples[0].text);
  EXPECT_EQ(later[1].text, "other head!? other tail");  // the space before it is repeated as well
  EXPECT_EQ(later[2].reason, "empty");
  EXPECT_EQ(later[3].annotations, "");
  const auto all = run_stage<SubstringDedup>({.minimum_bytes = 30, .remove = RemovedCopies::all}, samples, options);
  EXPECT_EQ(all[0].text, "head tail");
  EXPECT_EQ(all[1].text, "other head!? other tail");
  EXPECT_EQ(run_stage<SubstringDedup>({.minimum_bytes = 100}, samples, options)[1].text, samples[1].text);
}

TEST(SubstringDedup, NoMatchCrossesDocuments) {
  const TemporaryDirectory directory;
  const auto outcomes = run_stage<SubstringDedup>({.minimum_bytes = 8}, {{"abcdefg"}, {"hijklmn"}, {"abcdefghijklmn"}, {"abcdefg"}, {"hijklmn"}},
                                                  {.scratch = directory.path() / "scratch"});
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.annotations, "");
}

TEST(SubstringDedup, CutsBetweenCharactersOrWords) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  // The repeat begins behind the first byte of a two-byte character (C3 A9 and C4 A9) and ends in the middle of a word.
  const std::vector<Sample> samples{{"\u00e9 shared words of some length here"}, {"\u0129 shared words of some length heretic"}};
  EXPECT_EQ(run_stage<SubstringDedup>({.minimum_bytes = 20}, samples, options)[1].text, "\u0129tic");
  EXPECT_EQ(run_stage<SubstringDedup>({.minimum_bytes = 20, .cut_at = CutAt::words}, samples, options)[1].text, "\u0129 heretic");
}

TEST(SubstringDedup, SourcesCanBeApartAndMostlyRepeatedDocumentsGo) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples{{"a " + kShared}, {.text = "b " + kShared, .source = "other"}, {.text = "c " + kShared, .source = "other"}};
  using Reasons = std::vector<std::string>;
  EXPECT_EQ(reasons_of(run_stage<SubstringDedup>({.minimum_bytes = 30, .drop_above = 0.5}, samples, options)),
            (Reasons{"-", "mostly_duplicate", "mostly_duplicate"}));
  EXPECT_EQ(reasons_of(run_stage<SubstringDedup>({.minimum_bytes = 30, .drop_above = 0.5, .scope = DedupScope::source}, samples, options)),
            (Reasons{"-", "-", "mostly_duplicate"}));
}

TEST(SubstringDedup, RefusesWhatDoesNotFitIntoMemory) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples = edited_corpus(20, {}, 1);
  const std::string message =
      message_of<ConfigError>([&] { run_stage<SubstringDedup>({}, samples, {.scratch = directory.path() / "scratch", .memory_bytes = 1000}); });
  EXPECT_NE(message.find("bytes of memory on one rank and may take 1000"), std::string::npos) << message;
  const SubstringDedup stage({}, {.name = "dedup"});
  EXPECT_GE(stage.resolve_bytes(1000, 1'000'000, 1), 5'000'000);
  EXPECT_GE(stage.resolve_bytes(1000, 3'000'000'000, 8), 27'000'000'000);
}

TEST(SubstringDedup, WhatStaysHasNoRepeatLeft) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const auto outcomes = run_stage<SubstringDedup>({.minimum_bytes = 60}, edited_corpus(6, {0.02, 0.2}, 3), options);
  std::size_t kept = 0, removed = 0;
  std::vector<Sample> again;
  for (const Outcome& outcome : outcomes) {
    removed += !outcome.annotations.empty();
    kept += outcome.text.size();
    again.push_back({outcome.text});
  }
  EXPECT_GT(removed, 10u);
  // Joining what stood around a cut makes new text; only repeats that were there are promised to go, so little may be found a second time.
  std::size_t kept_again = 0;
  for (const Outcome& outcome : run_stage<SubstringDedup>({.minimum_bytes = 60}, again, options)) kept_again += outcome.text.size();
  EXPECT_GE(static_cast<double>(kept_again), 0.95 * static_cast<double>(kept));
}

}  // namespace
}  // namespace phidias::data::pipeline
