#include "data/mixture/mixture_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

#define LLVMFuzzerTestOneInput mixture_config_target
#include "tests/fuzz/mixture_config_fuzz.cpp"
#include "tests/support/mutations.h"
#undef LLVMFuzzerTestOneInput

namespace phidias::data::mixture {
namespace {

MixtureConfig parse(const std::string& text) { return parse_mixture_config(text, "m.yaml"); }
std::string error(const std::string& text) {
  return message_of<ConfigError>([&] { parse(text); });
}

const std::string kTwoPhases = R"(sources:
  web: tokens/web
  books: {path: [tokens/a, tokens/b]}
phases:
  - name: general
    tokens: 1_000
    sources:
      web: {weight: 0.9, where: {education.score: {minimum: 2}, language: [en, de]}}
      books: 0.1
  - name: reasoning
    tokens: 500
    context: 64
    disjoint_from: general
    sources:
      books: {weight: 1, max_epochs: 4, reuse_epochs: 6.5}
)";

TEST(MixtureConfig, ReadsSourcesPhasesAndThresholdsInTheirOrder) {
  const MixtureConfig config = parse(kTwoPhases);
  ASSERT_EQ(config.sources.size(), 2U);
  EXPECT_EQ(config.sources[0].first, "web");
  EXPECT_EQ(config.sources[0].second.path, (std::vector<std::string>{"tokens/web"}));
  EXPECT_EQ(config.sources[1].second.path, (std::vector<std::string>{"tokens/a", "tokens/b"}));
  ASSERT_EQ(config.phases.size(), 2U);
  const Phase &general = config.phases[0], &reasoning = config.phases[1];
  EXPECT_EQ(general.tokens, 1000);
  EXPECT_EQ(general.context, 0);
  EXPECT_EQ(general.sources[0].second.where[0].first, "education.score");
  EXPECT_EQ(general.sources[0].second.where[0].second.minimum, 2.0);
  EXPECT_FALSE(general.sources[0].second.where[0].second.maximum);
  EXPECT_EQ(general.sources[0].second.where[1].second.values, (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(general.sources[1].second.weight, 0.1);
  EXPECT_EQ(general.sources[1].second.max_epochs, 1.0);
  EXPECT_EQ(reasoning.disjoint_from, (std::vector<std::string>{"general"}));
  EXPECT_EQ(reasoning.context, 64);
  EXPECT_EQ(reasoning.sources[0].second.reuse_epochs, 6.5);
  EXPECT_EQ(config.identity, Identity::id);
  EXPECT_EQ(config.tokens(), 1500);
}

TEST(MixtureConfig, MistakesAreNamedWithLineAndNearestWord) {
  EXPECT_EQ(error(R"(sources: {web: a}
phases:
  - name: one
    tokens: 10
    sources:
      wbe: 1
      web: {weigth: 1}
  - name: one
    tokens: 0
    disjoint_from: [on]
    sources: {web: {weight: 1, where: {score: {minimum: 3, maximum: 2}, language: {}}}}
)"),
            "m.yaml:6:7: phases[0].sources.wbe: no source is called 'wbe'; did you mean web?\n"
            "m.yaml:7:12: phases[0].sources.web.weight: required: share of the phase's tokens, relative to the other weights (`NAME: 0.3` is short for it)\n"
            "m.yaml:7:13: phases[0].sources.web.weigth: unknown key; did you mean weight?\n"
            "m.yaml:8:11: phases[1].name: a second phase is called 'one'\n"
            "m.yaml:9:13: phases[1].tokens: expected an integer, at least 1, found the number 0\n"
            "m.yaml:10:20: phases[1].disjoint_from: no earlier phase is called 'on'; did you mean one?\n"
            "m.yaml:11:40: phases[1].sources.web.where.score: minimum is above maximum: no document fits\n"
            "m.yaml:11:73: phases[1].sources.web.where.language: give minimum and maximum (or one of them) of a number, or the values of a text");
}

TEST(MixtureConfig, WhatIsMissingIsNamed) {
  EXPECT_EQ(error(""), "m.yaml: sources: required: names of what phases draw from\nm.yaml: phases: required: one after the other");
  EXPECT_EQ(error("sources: [a]\nphases: []"),
            "m.yaml:1:10: sources: expected a section (name: ...), found a list of 1\nm.yaml:2:9: phases: required: one after the other");
  EXPECT_EQ(error("- a"), "m.yaml:1:1: expected sections (key: value), found a list of 1");
}

TEST(MixtureConfig, TheFirstPhaseReusesNothing) {
  EXPECT_EQ(error("sources: {a: x}\nphases: [{name: p, tokens: 1, sources: {a: {weight: 1, reuse_epochs: 2}}}]\n"),
            "m.yaml:2:70: phases[0].sources.a.reuse_epochs: the first phase has no earlier one whose documents it could use again");
}

TEST(MixtureConfig, MutatedFilesNeverCrash) {
  std::mt19937 random(5);
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = mutated(kTwoPhases, {}, random);
    mixture_config_target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}

TEST(MixtureConfig, CommittedReferenceIsTheGeneratedOne) {
  const std::string path = std::string(PHIDIAS_SOURCE_DIR) + "/docs/data/mixture-reference.md", generated = mixture_reference();
  if (std::getenv("PHIDIAS_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << generated;
  std::stringstream committed;
  committed << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(committed.str(), generated) << "the keys changed: PHIDIAS_UPDATE=1 ctest -R data/mixture/mixture_config, and look at the difference";
}

}  // namespace
}  // namespace phidias::data::mixture
