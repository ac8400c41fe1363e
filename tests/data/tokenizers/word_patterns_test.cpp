// The hand-written scanners against PCRE2 running the same regular expressions.
#include "data/tokenizers/word_patterns.h"

#include <gtest/gtest.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <random>
#include <vector>

namespace phidias::data {
namespace {

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kCl100k = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kO200k = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
                               R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
                               R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

class Pcre {
 public:
  explicit Pcre(const char* pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
    data_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  ~Pcre() {
    pcre2_match_data_free(data_);
    pcre2_code_free(code_);
  }
  std::vector<std::size_t> word_ends(const std::string& text) const {
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < text.size(); at = ends.back()) {
      const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0, data_, nullptr);
      if (found < 1 || pcre2_get_ovector_pointer(data_)[0] != at) return {};  // a gap
      ends.push_back(pcre2_get_ovector_pointer(data_)[1]);
    }
    return ends;
  }

 private:
  pcre2_code* code_;
  pcre2_match_data* data_;
};

template <WordPattern pattern>
std::vector<std::size_t> scanned(const std::string& text) {
  const WordScanner scanner(text.data() + text.size());
  std::vector<std::size_t> ends;
  for (const char* at = text.data(); at < text.data() + text.size();) ends.push_back((at = scanner.word_end<pattern>(at)) - text.data());
  return ends;
}

// Characters of every class in which the patterns differ, all assigned since Unicode 6 so that versions agree.
std::string random_text(std::mt19937& random, std::size_t length) {
  static const std::vector<std::string> kCharacters{"a",
                                                    "s",
                                                    "S",
                                                    "t",
                                                    "r",
                                                    "e",
                                                    "v",
                                                    "l",
                                                    "L",
                                                    "d",
                                                    "m",
                                                    "Z",
                                                    "\u017f",
                                                    "\u00e9",
                                                    "\u00c9",
                                                    "\u01c5",
                                                    "\u02b0",
                                                    "\u4e2d",
                                                    "\u05d0",
                                                    "\u0301",
                                                    "\u0903",
                                                    "\U0001d400",
                                                    "1",
                                                    "2",
                                                    "\u0663",
                                                    "\u00bd",
                                                    "\u2167",
                                                    "'",
                                                    "'",
                                                    "'",
                                                    " ",
                                                    " ",
                                                    " ",
                                                    "  ",
                                                    "\n",
                                                    "\r",
                                                    "\t",
                                                    "\v",
                                                    "\u00a0",
                                                    "\u0085",
                                                    "\u2028",
                                                    "\u3000",
                                                    "\u200b",
                                                    "\x1c",
                                                    ".",
                                                    "-",
                                                    "/",
                                                    "<",
                                                    "_",
                                                    "$",
                                                    "\U0001f44d",
                                                    "\u20ac",
                                                    std::string(1, '\0')};
  // A few characters per text: rules meet more often than among all of them.
  std::uniform_int_distribution<std::size_t> any(0, kCharacters.size() - 1);
  std::vector<std::size_t> palette(1 + random() % 6);
  for (std::size_t& entry : palette) entry = any(random);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += kCharacters[palette[random() % palette.size()]];
  return text;
}

TEST(WordPatterns, ScannersEqualTheRegularExpressions) {
  const Pcre gpt2(kGpt2), cl100k(kCl100k), o200k(kO200k);
  std::mt19937 random(7);
  for (int i = 0; i < 60000; ++i) {
    const std::string text = random_text(random, 1 + random() % 14);
    ASSERT_EQ(scanned<WordPattern::gpt2>(text), gpt2.word_ends(text)) << testing::PrintToString(text);
    ASSERT_EQ(scanned<WordPattern::cl100k>(text), cl100k.word_ends(text)) << testing::PrintToString(text);
    ASSERT_EQ(scanned<WordPattern::o200k>(text), o200k.word_ends(text)) << testing::PrintToString(text);
  }
}

TEST(WordPatterns, ClassesAreThoseOfTheReference) {
  const CharacterClasses& classes = CharacterClasses::get();
  for (const std::uint32_t space : {0x09u, 0x20u, 0x85u, 0xA0u, 0x1680u, 0x2028u, 0x3000u}) EXPECT_TRUE(classes.of(space) & CharacterClasses::space) << space;
  for (const std::uint32_t other : {0x1Cu, 0x1Fu, 0x200Bu, 0x180Eu, 0xFEFFu}) EXPECT_FALSE(classes.of(other) & CharacterClasses::space) << other;
  EXPECT_EQ(classes.of(0x10FFFF), CharacterClasses::other);
  EXPECT_EQ(classes.of(0x301), CharacterClasses::mark | CharacterClasses::word | CharacterClasses::other);
}

TEST(WordPatterns, SpellingsAreRecognised) {
  EXPECT_EQ(find_word_pattern(kGpt2), WordPattern::gpt2);
  EXPECT_EQ(find_word_pattern(kCl100k), WordPattern::cl100k);
  EXPECT_EQ(find_word_pattern(kO200k), WordPattern::o200k);
  EXPECT_EQ(find_word_pattern(R"(\p{L}+)"), std::nullopt);
}

}  // namespace
}  // namespace phidias::data
