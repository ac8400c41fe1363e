// Switches for other tools' definitions, and what stands behind the fast paths.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/error.h"
#include "data/pipeline/quality/bad_words.h"
#include "data/pipeline/quality/c4_phrases.h"
#include "data/pipeline/quality/c4_quality.h"
#include "data/pipeline/quality/fineweb_quality.h"
#include "data/pipeline/quality/gopher_quality.h"
#include "data/pipeline/quality/gopher_repetition.h"
#include "data/pipeline/quality/lower_case.h"
#include "tests/data/pipeline/quality/stage_runner.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

TEST(GopherRepetition, CountFirstTakesTheFirstOfEqualLinesToo) {
  GopherRepetition::Config config;
  StageRunner<GopherRepetition> later(config);
  config.count_first = true;
  StageRunner<GopherRepetition> all(config);
  const std::string text = "same\nother\nsame\nsame";
  later.run(text);
  all.run(text);
  EXPECT_DOUBLE_EQ(later.statistic("duplicate_lines"), 0.5);
  EXPECT_DOUBLE_EQ(all.statistic("duplicate_lines"), 0.75);
  EXPECT_DOUBLE_EQ(all.statistic("duplicate_line_characters"), 12.0 / 20.0);
}

TEST(GopherRepetition, AllOccurrencesCoverOverlappingNgrams) {
  GopherRepetition::Config config;
  config.splitter = SplitterKind::whitespace;
  config.duplicated_n = {2};
  config.max_duplicated = {1};
  StageRunner<GopherRepetition> skip(config);
  config.ngram_cover = NgramCover::all;
  config.ngram_characters = CharacterBase::words;
  StageRunner<GopherRepetition> all(config);
  const std::string text = "aa bb cc xx aa bb cc";  // bigrams aa-bb and bb-cc stand twice
  skip.run(text);
  all.run(text);
  EXPECT_DOUBLE_EQ(skip.statistic("duplicated_2_grams"), 4.0 / 20.0);  // the second aa-bb; bb-cc begins inside it
  EXPECT_DOUBLE_EQ(all.statistic("duplicated_2_grams"), 12.0 / 14.0);
}

TEST(GopherRepetition, RefusesSizesThatDoNotFit) {
  GopherRepetition::Config config;
  config.max_top = {0.2};
  EXPECT_THROW(StageRunner<GopherRepetition>{config}, ConfigError);
  config = {};
  config.duplicated_n = {6, 5, 7, 8, 9, 10};
  EXPECT_THROW(StageRunner<GopherRepetition>{config}, ConfigError);
}

// As the definition reads, without tables or pruning.
std::size_t duplicated_by_definition(const Words& words, std::size_t n) {
  std::map<std::string, int> seen;
  std::size_t characters = 0;
  for (std::size_t i = 0; i + n <= words.size();) {
    std::string joined;
    for (std::size_t j = i; j < i + n; ++j) joined += words[j];
    const bool again = seen[joined]++ > 0;
    characters += again ? joined.size() : 0;
    i += again ? n : 1;
  }
  return characters;
}

std::size_t top_by_definition(const Words& words, std::size_t n) {
  std::vector<std::string> grams;
  std::map<std::string, std::size_t> counts;
  for (std::size_t i = 0; i + n <= words.size(); ++i) {
    std::string joined;
    for (std::size_t j = i; j < i + n; ++j) joined += (j > i ? " " : "") + std::string(words[j]);
    ++counts[joined];
    grams.push_back(joined);
  }
  std::string best;
  for (const std::string& gram : grams)
    if (best.empty() || counts[gram] > counts[best]) best = gram;
  return best.size() * counts[best];
}

TEST(RepeatedNgrams, EqualTheDefinitionOnRandomText) {
  std::mt19937 random(3);
  RepeatedNgrams ngrams;
  Words words;
  for (int round = 0; round < 400; ++round) {
    std::string text;
    const unsigned vocabulary = 2 + random() % 40, length = 1 + random() % 30;
    for (unsigned i = 0; i < random() % 300; ++i) text += std::string(1 + random() % length, static_cast<char>('a' + random() % vocabulary % 26)) + " ";
    WordSplitter::of(SplitterKind::whitespace).split(text, words);
    ngrams.reset(text, words);
    for (const std::size_t n : {2, 3, 4}) ASSERT_EQ(ngrams.top(n, true), top_by_definition(words, n)) << text;
    for (const std::size_t n : {2, 3, 5, 6, 7, 8, 9, 10}) ASSERT_EQ(ngrams.duplicated(n, NgramCover::skip), duplicated_by_definition(words, n)) << text;
  }
}

TEST(GopherQuality, SwitchesChangeTheirStatisticAlone) {
  const std::string text = "The the THE of #a #b# word... x... longestword";
  GopherQuality::Config config;
  config.splitter = SplitterKind::whitespace;
  StageRunner<GopherQuality> plain(config);
  config.word_length = WordLength::median;
  config.symbols = SymbolCount::words;
  config.stop_word_count = StopWordCount::total;
  config.stop_word_case = false;
  StageRunner<GopherQuality> other(config);
  EXPECT_EQ(plain.run(text).reason(), "min_words");
  other.run(text);
  EXPECT_DOUBLE_EQ(plain.statistic("stop_words"), 2);
  EXPECT_DOUBLE_EQ(other.statistic("stop_words"), 4);
  EXPECT_DOUBLE_EQ(plain.statistic("hashes"), 3.0 / 9.0);
  EXPECT_DOUBLE_EQ(other.statistic("hashes"), 2.0 / 9.0);
  EXPECT_DOUBLE_EQ(plain.statistic("word_length"), 38.0 / 9.0);
  EXPECT_DOUBLE_EQ(other.statistic("word_length"), 3.0);
  EXPECT_DOUBLE_EQ(other.statistic("words"), 9);
}

TEST(C4Phrases, AreThoseOfLowerCaseText) {
  const std::vector<std::string> pieces = {"Lorem", "IPSUM",  "lorem ipsum",     "java",    "Script", "JavaScript", "terms of use", "privacy POLICY", "use",
                                           "s ",    "cookie", "coo\u212aies",    " policy", " of ",   "\u0130",     "ja",           "psokcyms",       "\u00e9",
                                           "@",     " ",      "xxxxxxxxxxxxxxxx"};
  const std::vector<std::string> policy = {"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"};
  std::mt19937 random(5);
  int hits = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (unsigned i = 0; i < 1 + random() % 8; ++i) text += pieces[random() % pieces.size()] + (random() % 3 == 0 ? " " : "");
    const std::string lower = lower_case(text);
    const auto has = [&](const std::string& phrase) { return lower.find(phrase) != std::string::npos; };
    unsigned expected = 0;
    if (has("lorem ipsum")) expected |= kLoremIpsum;
    if (has("javascript")) expected |= kJavascript;
    if (std::any_of(policy.begin(), policy.end(), has)) expected |= kPolicy;
    ASSERT_EQ(find_c4_phrases(text), expected) << text;
    hits += expected != 0;
  }
  EXPECT_GT(hits, 1000);
}

TEST(C4Quality, KeepsTheTextWhenItMayNotEdit) {
  C4Quality::Config config;
  config.edit = false;
  config.min_sentences = 1;
  StageRunner<C4Quality> runner(config);
  const std::string text = "One good sentence here.\nmenu\n";
  EXPECT_EQ(runner.run(text).text(), text);
  EXPECT_DOUBLE_EQ(runner.statistic("unpunctuated_lines"), 1);
  config.edit = true;
  EXPECT_EQ(StageRunner<C4Quality>(config).run(text).text(), "One good sentence here.");
}

TEST(FinewebQuality, WindowsLineEndsEndNoLineInPunctuation) {
  StageRunner<FinewebQuality> runner;
  EXPECT_EQ(runner.run("A line that ends in a full stop.\r\nAnother one does.\r\n").reason(), "min_punctuated_lines");
  FinewebQuality::Config config;
  config.line_ends = {".", ".\r"};
  config.max_short_lines = 1;
  EXPECT_EQ(StageRunner<FinewebQuality>(config).run("A line that ends in a full stop.\r\nAnother one does.\r\n").reason(), "");
}

TEST(BadWords, KeepsAShareThatDependsOnTextAndSeedAlone) {
  const TemporaryDirectory directory;
  directory.write("words", "bad\n\n");
  BadWords::Config config;
  config.list = (directory.path() / "words").string();
  config.keep = 0.25;
  StageRunner<BadWords> runner(config, 1), again(config, 1);
  int kept = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string text = "a bad text " + std::to_string(i);
    const bool is_kept = !runner.run(text).dropped();
    EXPECT_EQ(is_kept, !again.run(text).dropped());
    kept += is_kept;
  }
  EXPECT_NEAR(kept, 100, 35);  // four standard deviations of 8.7
  EXPECT_FALSE(runner.run("nobad badly").dropped());
  config.list += "-that-is-not-there";
  EXPECT_THROW(StageRunner<BadWords>{config}, DataError);
}

}  // namespace
}  // namespace phidias::data::pipeline
