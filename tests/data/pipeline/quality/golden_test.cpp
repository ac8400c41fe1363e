// Every document of tests/golden/quality (make_quality_goldens.py): decisions, reasons and statistics as datatrove 0.10.1 has them, splitter by splitter.
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>

#include "base/json.h"
#include "data/line_blocks.h"
#include "data/pipeline/quality/bad_words.h"
#include "data/pipeline/quality/c4_paragraphs.h"
#include "data/pipeline/quality/c4_quality.h"
#include "data/pipeline/quality/fineweb_quality.h"
#include "data/pipeline/quality/gopher_quality.h"
#include "data/pipeline/quality/gopher_repetition.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::string kGolden = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/quality/filters.jsonl.zst";

const std::vector<Json>& golden() {
  static const std::vector<Json> lines = [] {
    std::vector<Json> read;
    LineBlocks blocks(kGolden, 64 << 20);
    while (const auto block = blocks.next()) for_each_line(*block, [&](std::int64_t, std::string_view text) { read.push_back(Json::parse(text)); });
    return read;
  }();
  return lines;
}

std::uint32_t crc_of(std::string_view text) {
  return static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

SplitterKind splitter_of(const std::string& name) {
  return name == "icu" ? SplitterKind::icu : name == "regex" ? SplitterKind::regex : SplitterKind::whitespace;
}

SentenceRule sentences_of(const std::string& name) {
  return name == "icu" ? SentenceRule::icu : name == "terminal" ? SentenceRule::terminal : SentenceRule::spaced;
}

// Our reasons by datatrove's.
const std::map<std::string, std::string> kReasons = {
    {"gopher_short_doc", "min_words"},
    {"gopher_long_doc", "max_words"},
    {"gopher_below_avg_threshold", "min_word_length"},
    {"gopher_above_avg_threshold", "max_word_length"},
    {"gopher_too_many_hashes", "max_hashes"},
    {"gopher_too_many_ellipsis", "max_ellipses"},
    {"gopher_too_many_bullets", "max_bullet_lines"},
    {"gopher_too_many_end_ellipsis", "max_ellipsis_lines"},
    {"gopher_below_alpha_threshold", "min_alpha_words"},
    {"gopher_enough_stop_words", "min_stop_words"},
    {"empty", "empty"},
    {"dup_para_frac", "duplicate_paragraphs"},
    {"dup_para_char_frac", "duplicate_paragraph_characters"},
    {"dup_line_frac", "duplicate_lines"},
    {"dup_line_char_frac", "duplicate_line_characters"},
    {"line_punct_ratio", "min_punctuated_lines"},
    {"short_line_ratio", "max_short_lines"},
    {"char_dup_ratio", "max_duplicate_line_characters"},
    {"list_ratio", "max_newlines"},
    {"lorem_ipsum", "lorem_ipsum"},
    {"curly_bracket", "curly_bracket"},
    {"too_few_sentences", "min_sentences"},
    {"< 3 paragraphs", "min_paragraphs"},
    {"document_removed_with_badwords", "bad_word"},
};

std::string our_reason(const Json& reason) {
  if (reason.is_null()) return "";
  auto text = reason.get<std::string>();
  if (text.starts_with("top_")) return text;
  if (text.starts_with("duplicated_")) return "duplicated_" + std::to_string(std::stoi(text.substr(11))) + "_grams";
  return kReasons.at(text);
}

StageSetup setup() {
  StageSetup result;
  result.name = "q";
  return result;
}

template <class S>
class Runner {
 public:
  explicit Runner(const typename S::Config& config) : stage_(config, setup()), worker_(stage_.worker()) {}
  Document& run(const std::string& text) {
    document_.clear();
    document_.set_text(text);
    Document* const one = &document_;
    worker_->process({&one, 1});
    return document_;
  }

 private:
  S stage_;
  std::unique_ptr<StageWorker> worker_;
  Document document_;
};

// Statistics are rounded to 8 digits in the file: counts and lengths are compared relatively, shares absolutely; both well inside the 1e-6 asked for.
constexpr double kTolerance = 2e-7;

template <class S>
void expect_as_golden(const std::string& key, const typename S::Config& config, const std::vector<std::string>& statistics) {
  Runner<S> runner(config);
  std::size_t compared = 0;
  for (const Json& entry : golden()) {
    if (!entry.contains("text")) continue;
    const auto text = entry["text"].get<std::string>();
    const Json& expected = entry["filters"][key];
    Document& document = runner.run(text);
    if (expected[0] != "error") {
      EXPECT_EQ(document.reason(), our_reason(expected[0])) << key << ": " << testing::PrintToString(text.substr(0, 300));
    }
    const Json& values = expected[1];
    for (std::size_t i = 0; i < std::min(values.size(), statistics.size()); ++i) {
      const double want = values[i].get<double>();
      if (want < 0) continue;  // not known there
      const auto have = document.annotations().number("q." + statistics[i]);
      ASSERT_TRUE(have) << statistics[i];
      EXPECT_NEAR(*have, want, kTolerance * std::max(1.0, want)) << key << " " << statistics[i] << ": " << testing::PrintToString(text.substr(0, 300));
    }
    if (values.size() == statistics.size() + 1) {
      EXPECT_EQ(crc_of(document.text()), values.back().get<std::uint32_t>()) << key << ": " << testing::PrintToString(text.substr(0, 300));
    }
    ++compared;
  }
  EXPECT_GE(compared, 400u);
}

class BySplitter : public testing::TestWithParam<std::string> {};
class BySentences : public testing::TestWithParam<std::string> {};

TEST_P(BySplitter, WordsAreThoseOfPython) {
  Words words;
  for (const Json& entry : golden()) {
    if (!entry.contains("text")) continue;
    const auto text = entry["text"].get<std::string>();
    WordSplitter::of(splitter_of(GetParam())).split(text, words);
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < words.size(); ++i) hash += static_cast<std::uint32_t>(i + 1) * crc_of(words[i]);
    EXPECT_EQ(words.size(), entry["words"][GetParam()].get<std::size_t>()) << testing::PrintToString(text.substr(0, 300));
    EXPECT_EQ(hash, entry["words_hash"][GetParam()].get<std::uint32_t>()) << testing::PrintToString(text.substr(0, 300));
  }
}

TEST_P(BySplitter, GopherQualityIsThatOfDatatrove) {
  GopherQuality::Config config;
  config.splitter = splitter_of(GetParam());
  expect_as_golden<GopherQuality>("gopher_quality/" + GetParam(), config,
                                  {"words", "word_length", "hashes", "ellipses", "bullet_lines", "ellipsis_lines", "alpha_words", "stop_words"});
}

TEST_P(BySplitter, GopherRepetitionIsThatOfDatatrove) {
  GopherRepetition::Config config;
  config.splitter = splitter_of(GetParam());
  expect_as_golden<GopherRepetition>(
      "gopher_repetition/" + GetParam(), config,
      {"duplicate_paragraphs", "duplicate_paragraph_characters", "duplicate_lines", "duplicate_line_characters", "top_2_gram", "top_3_gram", "top_4_gram",
       "duplicated_5_grams", "duplicated_6_grams", "duplicated_7_grams", "duplicated_8_grams", "duplicated_9_grams", "duplicated_10_grams"});
}

TEST_P(BySplitter, FinewebQualityIsThatOfDatatrove) {
  FinewebQuality::Config config;
  config.splitter = splitter_of(GetParam());
  expect_as_golden<FinewebQuality>("fineweb_quality/" + GetParam(), config, {"punctuated_lines", "short_lines", "duplicate_line_characters", "newlines"});
}

INSTANTIATE_TEST_SUITE_P(Quality, BySplitter, testing::Values("whitespace", "regex", "icu"), [](const auto& info) { return info.param; });

const std::vector<std::string> kC4Statistics = {"lines",        "long_word_lines", "unpunctuated_lines", "few_word_lines", "javascript_lines",
                                                "policy_lines", "kept_lines",      "sentences"};

TEST_P(BySentences, C4QualityIsThatOfDatatrove) {
  C4Quality::Config config;
  config.sentences = sentences_of(GetParam());
  expect_as_golden<C4Quality>("c4_quality/" + GetParam(), config, kC4Statistics);
}

TEST_P(BySentences, C4QualityOfSentencesIsThatOfDatatrove) {
  C4Quality::Config config;
  config.sentences = sentences_of(GetParam());
  config.unit = TextUnit::sentence;
  config.terminal_punctuation = config.curly_bracket = false;
  expect_as_golden<C4Quality>("c4_sentences/" + GetParam(), config, kC4Statistics);
}

INSTANTIATE_TEST_SUITE_P(Quality, BySentences, testing::Values("spaced", "terminal", "icu"), [](const auto& info) { return info.param; });

TEST(Quality, C4ParagraphsAreThoseOfDatatrove) { expect_as_golden<C4Paragraphs>("c4_paragraphs/-", {}, {}); }

TEST(Quality, BadWordsAreThoseOfDatatrove) {
  const TemporaryDirectory directory;
  std::string list;
  for (const Json& word : golden()[0]["bad_words"]) list += word.get<std::string>() + "\n";
  directory.write("words", list);
  BadWords::Config config;
  config.list = (directory.path() / "words").string();
  config.boundaries = WordBoundaries::words;
  expect_as_golden<BadWords>("bad_words/-", config, {});
}

}  // namespace
}  // namespace phidias::data::pipeline
