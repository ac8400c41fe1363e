#include "data/pipeline/dedup/repeated_windows.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace phidias::data::pipeline {
namespace {

// The definition, window by window.
std::string marked_by_brute_force(const std::string& text, std::size_t minimum, bool also_first) {
  std::string marks(text.size(), '.');
  for (std::size_t p = 0; p + minimum <= text.size(); ++p) {
    const std::string window = text.substr(p, minimum);
    if (window.find('\xff') != std::string::npos) continue;
    bool repeat = false;
    for (std::size_t q = 0; q + minimum <= text.size(); ++q) {
      const bool apart = q + minimum <= p || (also_first && p + minimum <= q);
      repeat = repeat || (apart && text.compare(q, minimum, window) == 0);
    }
    if (repeat) marks.replace(p, minimum, minimum, 'x');
  }
  return marks;
}

std::string marked(const std::string& text, std::size_t minimum, bool also_first) {
  std::string marks(text.size(), '.');
  std::uint64_t last = 0;
  for (const ByteSpan& span : repeated_spans(text, minimum, also_first)) {
    EXPECT_TRUE(span.begin < span.end && (span.begin > last || last == 0)) << "spans are apart";
    marks.replace(span.begin, span.end - span.begin, span.end - span.begin, 'x');
    last = span.end;
  }
  return marks;
}

TEST(RepeatedWindows, EqualBruteForceOnRandomTexts) {
  std::mt19937 generator(1);
  int marked_texts = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::string alphabet = generator() % 2 ? "ab\xff" : "abcdefgh\xff";
    std::string text;
    for (std::uint32_t i = generator() % 120; i > 0; --i) text += alphabet[generator() % alphabet.size()];
    if (generator() % 2 && text.size() > 20) text += text.substr(generator() % 10, 5 + generator() % 15);
    const std::size_t minimum = 1 + generator() % 9;
    for (const bool also_first : {false, true}) {
      const std::string expected = marked_by_brute_force(text, minimum, also_first);
      ASSERT_EQ(marked(text, minimum, also_first), expected) << text << ", " << minimum;
      marked_texts += expected.find('x') != std::string::npos;
    }
  }
  EXPECT_GT(marked_texts, 300);
}

TEST(RepeatedWindows, ARunIsNoRepeatOfItselfBelowTwiceTheWindow) {
  EXPECT_TRUE(repeated_spans(std::string(199, '-'), 100, false).empty());
  EXPECT_EQ(repeated_spans(std::string(250, '-'), 100, false), (std::vector<ByteSpan>{{100, 250}}));
}

TEST(RepeatedWindows, CutsAreSnappedInwards) {
  const std::string text = "a\u00e9b cd \u20ac";  // a, 2 bytes, b, space, c, d, space, 3 bytes
  EXPECT_EQ(snapped(text, {2, 9}, false), (ByteSpan{3, 8}));
  EXPECT_EQ(snapped(text, {1, 8}, false), (ByteSpan{1, 8}));
  EXPECT_EQ(snapped(text, {1, 9}, true), (ByteSpan{5, 8}));
  EXPECT_EQ(snapped(text, {0, text.size()}, true), (ByteSpan{0, text.size()}));
  const ByteSpan nothing = snapped(text, {6, 7}, true);
  EXPECT_GE(nothing.begin, nothing.end);
}

}  // namespace
}  // namespace phidias::data::pipeline
