#include "data/pipeline/text/extract_html.h"

#include <gtest/gtest.h>

#include "tests/data/pipeline/text/stage_run.h"

namespace phidias::data::pipeline {
namespace {

TEST(ExtractHtml, ReplacesAPageByItsTextAndAnnotates) {
  const Document document =
      run_on(ExtractHtml({}, setup_named("extract_html")), "<html lang=en><title>T</title><body><nav>menu</nav><p>The text.</p></body></html>");
  EXPECT_EQ(document.text(), "The text.");
  EXPECT_EQ(document.annotations().text("title"), "T");
  EXPECT_EQ(document.annotations().text("html_lang"), "en");
  EXPECT_EQ(document.annotations().number("extract_html.html"), 1);
  // 8 of 12 characters outside white space.
  EXPECT_DOUBLE_EQ(*document.annotations().number("extract_html.share"), 8.0 / 12);
  EXPECT_FALSE(document.annotations().has("extract_html.fallback"));
}

TEST(ExtractHtml, LeavesPlainTextAlone) {
  const Document document = run_on(ExtractHtml({}, setup_named("x")), "In HTML, <p> starts a paragraph.\n\n  indented");
  EXPECT_EQ(document.text(), "In HTML, <p> starts a paragraph.\n\n  indented");
  EXPECT_EQ(document.annotations().number("x.html"), 0);
  const Document forced = run_on(ExtractHtml({.input = PageDetection::always}, setup_named("x")), "In HTML, &lt;p> starts <b>a</b> paragraph.");
  EXPECT_EQ(forced.text(), "In HTML, <p> starts a paragraph.");
}

TEST(ExtractHtml, DropsWithAReason) {
  const ExtractHtml stage({.max_bytes = 100000}, setup_named("x"));
  EXPECT_EQ(run_on(stage, "<html><body><nav>only a menu</nav></body></html>").reason(), "empty");
  EXPECT_EQ(run_on(stage, "<html><p>" + std::string(100000, 'x')).reason(), "too_large");
  EXPECT_FALSE(run_on(stage, std::string(200000, 'x')).dropped());  // no page: not this stage's business
  std::string bomb;
  for (int i = 0; i < 1000; ++i) bomb += "<p><b id=" + std::to_string(i) + "></p>";
  for (int i = 0; i < 20000; ++i) bomb += "<p>x";
  EXPECT_EQ(run_on(stage, bomb).reason(), "too_complex");
}

TEST(ExtractHtml, OfADocumentDoesNotDependOnTheOnesBefore) {
  const ExtractHtml stage({}, setup_named("x"));
  const auto worker = stage.worker();
  const std::string pages[] = {"<ul><li>a<pre>x", "<p>alone</p>", "<table><tr><td>open", "<p>alone</p>"};
  std::vector<std::string> texts;
  for (const std::string& page : pages) {
    Document document = document_of(page);
    Document* batch[] = {&document};
    worker->process(batch);
    texts.push_back(document.text());
  }
  EXPECT_EQ(texts[1], "alone");
  EXPECT_EQ(texts[3], "alone");
}

}  // namespace
}  // namespace phidias::data::pipeline
