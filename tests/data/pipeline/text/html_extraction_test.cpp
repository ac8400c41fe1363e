#include "data/pipeline/text/html_extraction.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "data/pipeline/text/html_class_words.h"
#include "data/pipeline/text/html_guard.h"
#include "tests/data/pipeline/text/page_cases.h"
#include "tests/fuzz/html_fuzz.cpp"
#include "tests/support/mutations.h"

namespace phidias::data::pipeline {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string numbered(const std::string& before, const std::string& after, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += before + std::to_string(i) + after;
  return out;
}

std::string text_of(const std::string& html, const HtmlOptions& options = {}) { return HtmlExtractor().extract(html, options).text; }

TEST(HtmlExtraction, SurvivesPagesMadeToBreakParsers) {
  const int n = 100000;
  EXPECT_EQ(text_of(repeated("<div>", n) + "deep text" + repeated("</div>", n) + "<p>after"), "deep text\n\nafter");
  EXPECT_EQ(text_of(repeated("<span>", n) + "deep text"), "deep text");
  EXPECT_EQ(text_of("<div " + numbered("a", "=1 ", n) + ">text</div>"), "text");
  EXPECT_EQ(text_of(repeated("<table><tr><td>", n) + "text"), "text");
  EXPECT_EQ(text_of("<p>x" + repeated("<ul><li>", n) + "text").substr(0, 1), "x");
  EXPECT_EQ(text_of("<svg><style>" + repeated("<div>", n) + "text"), "text");
  EXPECT_EQ(text_of("<p title=\"" + repeated("x", 1000000) + "\">text</p>"), "text");
  EXPECT_EQ(text_of(repeated("</div>", n) + "text"), "text");
  EXPECT_EQ(text_of(repeated("<", n)).size(), static_cast<std::size_t>(n));
  EXPECT_NE(text_of("<body><p>text" + repeated("<!--", n)), "");
  EXPECT_EQ(text_of("<math>" + repeated("<mrow>", n) + "<mi>x</mi>"), "x");
}

TEST(HtmlExtraction, GivesUpOnTreesThatTheirBytesDoNotWarrant) {
  // Formatting elements that are never closed are opened again in every paragraph.
  const std::string bomb = numbered("<p><b id=", "></p>", 20000) + repeated("<p>x", 100000);
  const HtmlExtraction result = HtmlExtractor().extract(bomb, {});
  EXPECT_TRUE(result.is_too_complex);
  EXPECT_EQ(result.text, "");
  HtmlExtractor extractor;
  extractor.extract(bomb, {});
  EXPECT_EQ(extractor.extract("<p>the next page is read as ever</p>", {}).text, "the next page is read as ever");
}

TEST(HtmlExtraction, TimeIsLinearInThePage) {
  // Ten times the page may take thirty times as long (measured: 9 to 12); quadratic work would take a hundred.
  for (const std::string& part :
       {std::string("<div>"), std::string("<font>a"), std::string("<p>word <b>bold"), std::string("<li>"), std::string("<a href=x>y</a> ")}) {
    const auto seconds = [&](int times) {
      const std::string page = repeated(part, times);
      double best = 1e9;
      for (int i = 0; i < 3; ++i) {
        const std::clock_t start = std::clock();
        HtmlExtractor().extract(page, {});
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
      }
      return best;
    };
    const double small = seconds(4000), large = seconds(40000);
    EXPECT_LT(large, 30 * std::max(small, 0.001)) << part;
  }
}

TEST(HtmlGuard, LeavesUsualPagesAsTheyAre) {
  std::string scratch;
  for (const PageCase& page : page_cases()) EXPECT_EQ(bounded_html(page.html, scratch).data(), page.html.data()) << page.name;
  const std::string items = repeated("<p>one<li>two<td>three<br>", 10000);  // never deep: each ends the one before
  EXPECT_EQ(bounded_html(items, scratch).data(), items.data());
}

TEST(HtmlGuard, LeavesOutTagsBeyondTheDepthWithTheirEndTags) {
  std::string scratch;
  const std::string page = repeated("<div>", kMaxHtmlDepth + 2) + "a" + repeated("</div>", kMaxHtmlDepth + 2) + "b";
  EXPECT_EQ(bounded_html(page, scratch), repeated("<div>", kMaxHtmlDepth) + "a" + repeated("</div>", kMaxHtmlDepth) + "b");
  const std::string attributes = "<p " + numbered("a", "='>' ", kMaxHtmlAttributes + 3) + ">text";
  EXPECT_EQ(bounded_html(attributes, scratch), "<p " + numbered("a", "='>' ", kMaxHtmlAttributes) + ">text");
}

TEST(HtmlExtraction, TellsPagesFromText) {
  for (const char* page : {"<!DOCTYPE html><p>", "\xef\xbb\xbf <html>", "<?xml version=\"1.0\"?><html>", "<!-- c --> <HTML lang=en>", "<p>Hello</p>",
                           "<div class=x>", "<b>bold</b>"})
    EXPECT_TRUE(is_html(page)) << page;
  for (const char* text : {"", "plain text", "a <p> in text", "<3 you", "<b without end", "<stdio.h> is a header", "< p >", "<!-- only a comment",
                           "<user@example.org> wrote", "<pr>x</pr>"})
    EXPECT_FALSE(is_html(text)) << text;
}

TEST(HtmlExtraction, StylesAreOptions) {
  const std::string page =
      "<body><h2>Title</h2><p>See <a href='/x'>the page</a> and <code>f()</code> here.</p><table><tr><th>a<th>b<tr><td>1<td>2|</table><pre>x = 1</pre><img "
      "alt='A boat'></body>";
  EXPECT_EQ(text_of(page), "Title\n\nSee the page and `f()` here.\n\n| a | b |\n| --- | --- |\n| 1 | 2\\| |\n\n```\nx = 1\n```");
  HtmlOptions options;
  options.style = {.headings = HeadingStyle::markdown, .tables = TableStyle::tabs, .code = CodeStyle::plain, .links = true, .images = true};
  EXPECT_EQ(text_of(page, options), "## Title\n\nSee [the page](/x) and f() here.\n\na\tb\n1\t2|\n\nx = 1\n\nA boat");
}

TEST(HtmlExtraction, FindsTitleLanguageAndShare) {
  const HtmlExtraction page = HtmlExtractor().extract("<html lang='pt-BR'><title> A &amp;\n b</title><body><p>0123456789<p hidden>0123456789", {});
  EXPECT_EQ(page.title, "A & b");
  EXPECT_EQ(page.language, "pt-BR");
  EXPECT_EQ(page.share, 0.5);
}

TEST(HtmlExtraction, DoesNotBelieveRulesThatLeaveNothing) {
  // Three blocks of equal length, all named as boilerplate: none holds the half that would save it.
  const std::string block = "<div class=sidebar><p>This sentence stands in a block that is called a sidebar.</p></div>";
  const HtmlExtraction page = HtmlExtractor().extract("<body>" + block + block + block, {});
  EXPECT_TRUE(page.is_fallback);
  EXPECT_EQ(page.text.substr(0, 13), "This sentence");
  EXPECT_FALSE(HtmlExtractor().extract("<body><p>usual</p></body>", {}).is_fallback);
  EXPECT_EQ(text_of("<body><nav><a href=1>only</a> <a href=2>links</a></nav></body>"), "");
}

TEST(HtmlClassWords, AreReadAsWordsNotAsLetters) {
  EXPECT_EQ(judge_class("post-share", ""), ClassVerdict::boilerplate);
  EXPECT_EQ(judge_class("block-relatedPosts", ""), ClassVerdict::boilerplate);
  EXPECT_EQ(judge_class("", "SideBar"), ClassVerdict::boilerplate);
  EXPECT_EQ(judge_class("commentList", ""), ClassVerdict::comments);
  EXPECT_EQ(judge_class("entry-content sidebar", ""), ClassVerdict::content);
  EXPECT_EQ(judge_class("x SR-Only", ""), ClassVerdict::hidden);
  for (const char* name : {"shareholder", "has-sidebar", "no-comments", "header", "navigate", "gradient", "download", "hidden-xs", "road", "type-ads"})
    EXPECT_EQ(judge_class(name, ""), ClassVerdict::nothing) << name;
}

const Mutations kMutations{.tokens = {"<",          ">",
                                      "</",         "<!--",
                                      "-->",        "\"",
                                      "'",          "=",
                                      "<table>",    "</p>",
                                      "<pre>",      "<math>",
                                      "<li>",       "<svg>",
                                      "</body>",    "<script type=math/tex>",
                                      "&",          "&#x",
                                      "<sup>",      "\xff",
                                      "<![CDATA[",  "<template>",
                                      "<frameset>", "<select>",
                                      "<a href=x>", "<ul>",
                                      "</ul>",      "<td>",
                                      "<h1>",       "<annotation encoding=tex>"},
                           .longest = 40,
                           .changes = 6};

TEST(HtmlExtraction, MutatedPagesGiveValidText) {
  std::mt19937 random(1);
  for (const PageCase& page : page_cases()) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(page.html.data()), page.html.size());
    for (int i = 0; i < 150; ++i) {
      const std::string bytes = mutated(page.html, kMutations, random);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
