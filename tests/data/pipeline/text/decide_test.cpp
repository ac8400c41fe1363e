#include "data/pipeline/text/decide.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "tests/data/pipeline/text/stage_run.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

Document annotated() {
  Document document = document_of("text");
  document.annotations().set("gopher_quality.words", 120.0);
  document.annotations().set("language", "de");
  document.annotations().set("extract_html.html", true);
  document.annotations().set("score", std::numeric_limits<double>::quiet_NaN());
  return document;
}

std::string reason(std::vector<DecideRule> rules) {
  Document document = annotated();
  run(Decide({.rules = std::move(rules)}, setup_named("decide")), document);
  return document.reason();
}

TEST(Decide, BoundsAreInclusive) {
  const std::string words = "gopher_quality.words";
  EXPECT_EQ(reason({{.annotation = words, .minimum = 120, .maximum = 120}}), "");
  EXPECT_EQ(reason({{.annotation = words, .minimum = 121}}), words);
  EXPECT_EQ(reason({{.annotation = words, .maximum = 119}}), words);
  EXPECT_EQ(reason({{.annotation = "score", .minimum = 0}}), "score");  // not a number is in no range
}

TEST(Decide, ComparesTextsNumbersAndTruthValues) {
  EXPECT_EQ(reason({{.annotation = "language", .equals = {"en", "de"}}}), "");
  EXPECT_EQ(reason({{.annotation = "language", .equals = {"en"}}}), "language");
  EXPECT_EQ(reason({{.annotation = "language", .differs = {"de"}}}), "language");
  EXPECT_EQ(reason({{.annotation = "extract_html.html", .equals = {"true"}}}), "");
  EXPECT_EQ(reason({{.annotation = "extract_html.html", .equals = {"false"}}}), "extract_html.html");
  EXPECT_EQ(reason({{.annotation = "gopher_quality.words", .equals = {"120"}}}), "");
}

TEST(Decide, TreatsMissingAnnotationsAsAskedAndNamesTheFirstBrokenRule) {
  EXPECT_EQ(reason({{.annotation = "perplexity", .maximum = 100}}), "");
  EXPECT_EQ(reason({{.annotation = "perplexity", .maximum = 100, .missing = MissingAnnotation::drop}}), "perplexity_missing");
  EXPECT_EQ(reason({{.annotation = "language", .minimum = 1, .missing = MissingAnnotation::drop}}), "language_missing");  // a text is no number
  EXPECT_EQ(reason({{.annotation = "language", .name = "not_english", .equals = {"en"}}, {.annotation = "gopher_quality.words", .minimum = 500}}),
            "not_english");
}

TEST(Decide, WarnsOfAnnotationsThatNoDocumentHad) {
  const Decide stage({.rules = {{.annotation = "gopher_quality.word", .minimum = 50}, {.annotation = "language", .equals = {"de"}}}}, setup_named("decide"));
  EXPECT_TRUE(stage.never_found().empty());  // nothing seen yet
  Document first = annotated(), second = annotated();
  run(stage, first);
  run(stage, second);
  ASSERT_EQ(stage.never_found().size(), 1u);
  EXPECT_NE(stage.never_found().front().find("none of 2 documents has a number in the annotation 'gopher_quality.word'"), std::string::npos);
  first.annotations().set("gopher_quality.word", 60.0);
  run(stage, first);
  EXPECT_TRUE(stage.never_found().empty());
}

TEST(Decide, RefusesRulesThatCannotBeMeant) {
  const auto message = [](DecideRule rule) { return message_of<ConfigError>([&] { Decide({.rules = {rule}}, setup_named("decide")); }); };
  EXPECT_NE(message({}).find("annotation is missing"), std::string::npos);
  EXPECT_NE(message({.annotation = "x"}).find("asks for nothing"), std::string::npos);
  EXPECT_NE(message({.annotation = "x", .minimum = 2, .maximum = 1}).find("above maximum"), std::string::npos);
  EXPECT_THROW(Decide({}, setup_named("decide")), ConfigError);
}

}  // namespace
}  // namespace phidias::data::pipeline
