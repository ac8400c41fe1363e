#include "data/pipeline/text/normalise.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "data/tokenizers/utf8.h"
#include "tests/data/pipeline/text/stage_run.h"

namespace phidias::data::pipeline {
namespace {

std::string normalised(const std::string& text, Normalise::Config config = {}) { return run_on(Normalise(config, setup_named("normalise")), text).text(); }

TEST(Normalise, ComposesAndOnRequestFoldsCompatibility) {
  EXPECT_EQ(normalised("u\u0308ber ﬁ ｆｕｌｌ x²"), "über ﬁ ｆｕｌｌ x²");
  EXPECT_EQ(normalised("u\u0308ber ﬁ ｆｕｌｌ x²", {.unicode = NormalForm::nfkc}), "über fi full x2");
  EXPECT_EQ(normalised("u\u0308ber", {.unicode = NormalForm::none}), "u\u0308ber");
  // A mark that follows once a hidden character is gone is composed too.
  EXPECT_EQ(normalised("u\u00ad\u0308ber"), "über");
}

TEST(Normalise, RepairsMojibakeUnlessAskedNotTo) {
  const Document document = run_on(Normalise({}, setup_named("n")), "donâ€™t\nfine\nGrÃ¼ÃŸe");
  EXPECT_EQ(document.text(), "don’t\nfine\nGrüße");
  EXPECT_EQ(document.annotations().number("n.repaired_lines"), 2);
  EXPECT_EQ(normalised("donâ€™t", {.mojibake = false}), "donâ€™t");
}

TEST(Normalise, MakesOneKindOfLineEnd) { EXPECT_EQ(normalised("a\r\nb\rc\u2028d\u2029e\u0085f\n\rg", {.mojibake = false}), "a\nb\nc\nd\ne\nf\n\ng"); }

TEST(Normalise, RemovesControlCharactersAndHiddenOnes) {
  EXPECT_EQ(normalised(std::string("a\0b\x07\x1b[0m\x7f\tc", 11)), "ab[0m\tc");
  EXPECT_EQ(normalised("\ufeffab\u200bc\u2060d\u00ade\ufff9f\ufdd0"), "abcdef");
  EXPECT_EQ(normalised("می\u200cخواهم 👩\u200d🔬"), "می\u200cخواهم 👩\u200d🔬");
  EXPECT_EQ(normalised("می\u200cخواهم", {.zero_width = ZeroWidth::remove}), "میخواهم");
  EXPECT_EQ(normalised("a\u200bb", {.zero_width = ZeroWidth::keep}), "a\u200bb");
  EXPECT_EQ(normalised("co\u00adop", {.keep_soft_hyphens = true}), "co\u00adop");
  EXPECT_EQ(normalised("a\u200f\u202bb", {.keep_directional_marks = false}), "ab");
  EXPECT_EQ(normalised("a\u200fb"), "a\u200fb");
}

TEST(Normalise, CountsPrivateUseAndReplacementCharacters) {
  const Document document = run_on(Normalise({}, setup_named("n")), "a\ue000\uf8ff\U000F0000 \ufffd");
  EXPECT_EQ(document.annotations().number("n.private_use"), 3);
  EXPECT_EQ(document.annotations().number("n.replacement"), 1);
  EXPECT_EQ(normalised("a\ue000b\ufffdc", {.keep_private_use = false, .keep_replacement = false}), "abc");
}

TEST(Normalise, LaysOutLinesAndSpaces) {
  EXPECT_EQ(normalised("\n\n  a  \n\t\n\n\n  b\u00a0c \n\n"), "  a\n\n  b c");
  EXPECT_EQ(normalised("a\n\n\n\nb", {.max_newlines = 0}), "a\n\n\n\nb");
  EXPECT_EQ(normalised("a\n\n\n\nb", {.max_newlines = 1}), "a\nb");
  EXPECT_EQ(normalised("    if x:  \t y", {.collapse_spaces = true}), "    if x: y");
  EXPECT_EQ(normalised(" a \n b ", {.strip_lines = false, .strip_text = false}), " a \n b ");
  EXPECT_EQ(normalised("“a” ‘b’", {.straight_quotes = true}), "\"a\" 'b'");
}

TEST(Normalise, DropsWhatBecomesEmpty) {
  EXPECT_EQ(run_on(Normalise({}, setup_named("n")), " \n\t\u200b\u00a0").reason(), "empty");
  EXPECT_EQ(run_on(Normalise({}, setup_named("n")), "").reason(), "empty");
}

TEST(Normalise, FastPathSaysCleanOnlyOfTextThatStaysTheSame) {
  static const char* kPieces[] = {"a", "b ", " ", "\n", "\t", "word", "\r", "\x01", "\x7f", "é", "~", "long enough to fill a vector of the machine"};
  const PhiloxKey key = philox_key(3, RandomSite::task_generator);
  int clean = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    std::string text, cleaned, laid_out;
    const std::uint64_t length = philox_uint64(key, i * 64) % 10, pieces = i % 3 == 0 ? std::size(kPieces) : 6;
    for (std::uint64_t k = 1; k <= length; ++k) text += kPieces[philox_uint64(key, i * 64 + k) % pieces];
    if (i % 7 == 0) text += kPieces[11];
    const LayoutRules rules{.strip_lines = i % 2 == 0, .strip_text = i % 5 != 0};
    CleaningCounts counts;
    clean_characters(text, {}, cleaned, counts);
    lay_out(cleaned, rules, laid_out);
    if (!is_clean_ascii(text, rules)) continue;
    ++clean;
    ASSERT_EQ(laid_out, text);
  }
  EXPECT_GT(clean, 2000);
}

TEST(Normalise, OfNormalisedTextChangesNothing) {
  static const char* kPieces[] = {"a",    " ",      "\n", "u\u0308", "\u00ad", "\u200b", "\u2028",       "é",     "Ã©", "â€™",
                                  "\r\n", "\u00a0", "日", "\t",      "\u0301", "한",     "\u1100\u1161", "\ufffd"};
  const PhiloxKey key = philox_key(4, RandomSite::task_generator);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    std::string text;
    const std::uint64_t length = philox_uint64(key, i * 64) % 20;
    for (std::uint64_t k = 1; k <= length; ++k) text += kPieces[philox_uint64(key, i * 64 + k) % std::size(kPieces)];
    // Without repair: its rules look at lines, and a second look can see more.
    const Normalise::Config config{.mojibake = false};
    const std::string once = normalised(text, config);
    ASSERT_EQ(find_invalid_utf8(once), std::string::npos);
    ASSERT_EQ(normalised(once, config), once) << text;
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
