#include "data/pipeline/knowledge/privacy_stage.h"

#include <gtest/gtest.h>

#include <string>

namespace phidias::data::pipeline {
namespace {

struct Processed {
  std::string text, reason;
  double spans = 0, emails = -1;
};

Processed process(const PrivacyStage::Config& config, const std::string& text) {
  const PrivacyStage stage(config, {.name = "privacy"});
  Document document;
  document.set_text(text);
  Document* documents[] = {&document};
  stage.worker()->process(documents);
  return {document.text(), document.reason(), *document.annotations().number("privacy.spans"), document.annotations().number("privacy.email").value_or(-1)};
}

constexpr const char* kText = "Mail jane@corp.com or call +44 20 7946 0958; server 8.8.8.8, gateway 10.0.0.1.";

TEST(PrivacyStage, WritesPlaceholdersAndLeavesTheRest) {
  const Processed done = process({.phone = PrivateAction::replace, .replacement = ReplacementStyle::placeholder}, kText);
  EXPECT_EQ(done.text, "Mail <EMAIL> or call <PHONE>; server <IP>, gateway 10.0.0.1.");
  EXPECT_EQ(done.spans, 3);
  EXPECT_EQ(done.emails, 1);
}

TEST(PrivacyStage, WritesTagsAsDolma) {
  EXPECT_EQ(process({.replacement = ReplacementStyle::tag}, "to jane@corp.com now").text, "to  |||EMAIL_ADDRESS|||  now");
}

TEST(PrivacyStage, ExamplesAreReservedAndDependOnTheReplacedTextAlone) {
  const std::string one = process({}, "jane@corp.com").text, two = process({}, "x joe@corp.com y jane@corp.com").text;
  EXPECT_TRUE(two.ends_with(one)) << two;
  EXPECT_TRUE(one == "email@example.com" || one == "firstname.lastname@example.org") << one;
  const PrivacyStage stage({}, {.name = "privacy"});
  std::size_t first = 0;
  for (int i = 0; i < 1000; ++i) first += stage.replacement(PrivateKind::email, "user" + std::to_string(i) + "@corp.com") == "email@example.com";
  EXPECT_GT(first, 400U) << "binomial(1000, 1/2): 6 standard deviations are 95";
  EXPECT_LT(first, 600U);
  const Processed again = process({.email = PrivateAction::keep}, process({}, kText).text);
  EXPECT_EQ(again.spans, 1) << "the phone number, which is only counted: replaced addresses are not public";
}

TEST(PrivacyStage, ExamplesCanBeTheUsersOwn) {
  EXPECT_EQ(process({.ip_examples = {"22.214.171.124"}}, "at 8.8.8.8 and 2620:fe::fe").text.substr(0, 22), "at 22.214.171.124 and ");
}

TEST(PrivacyStage, DropsCountsOrIgnoresAKind) {
  EXPECT_EQ(process({.credential = PrivateAction::drop}, "key AKIAIOSFODNN7EXAMPLE").reason, "credential");
  const Processed counted = process({.email = PrivateAction::annotate}, kText);
  EXPECT_NE(counted.text.find("jane@corp.com"), std::string::npos);
  EXPECT_EQ(counted.emails, 1);
  const Processed ignored = process({.email = PrivateAction::keep}, kText);
  EXPECT_EQ(ignored.emails, -1) << "no annotation for a kind that was not looked for";
  EXPECT_EQ(ignored.spans, 2);
}

TEST(PrivacyStage, TooManySpansDropTheDocumentUnchanged) {
  const std::string text = "a@b.cd e@f.gh i@j.kl";
  EXPECT_EQ(process({.maximum_spans = 2}, text).reason, "maximum_spans");
  EXPECT_EQ(process({.maximum_spans = 2}, text).text, text);
  EXPECT_EQ(process({.maximum_spans = 3}, text).reason, "");
}

}  // namespace
}  // namespace phidias::data::pipeline
