#include <gtest/gtest.h>

#include "data/pipeline/text/html_extraction.h"
#include "tests/data/pipeline/text/page_cases.h"

namespace phidias::data::pipeline {
namespace {

TEST(HtmlPages, KeepTheirContentAndLoseTheRest) {
  HtmlExtractor extractor;
  const std::vector<PageCase> cases = page_cases();
  EXPECT_GE(cases.size(), 30u);
  for (const PageCase& page : cases) {
    const std::string text = extractor.extract(page.html, {}).text;
    for (const std::string& kept : page.kept) EXPECT_NE(text.find(kept), std::string::npos) << page.name << " lost: " << kept << "\n" << text;
    for (const std::string& gone : page.gone) EXPECT_EQ(text.find(gone), std::string::npos) << page.name << " still has: " << gone << "\n" << text;
  }
}

TEST(HtmlPages, HaveExactlyTheTextThatWasReadThrough) {
  HtmlExtractor extractor;
  for (const PageCase& page : page_cases()) EXPECT_EQ(extractor.extract(page.html, {}).text, page.text) << page.name;
}

TEST(HtmlPages, LoseNoContentWithoutMainContent) {
  HtmlExtractor extractor;
  for (const PageCase& page : page_cases()) {
    const std::string text = extractor.extract(page.html, {.main_content = false}).text;
    for (const std::string& kept : page.kept) EXPECT_NE(text.find(kept), std::string::npos) << page.name << " lost: " << kept << "\n" << text;
  }
  // What stands around the content is there then, what is hidden is not.
  EXPECT_NE(extractor.extract(page_cases().front().html, {.main_content = false}).text.find("About us"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
