#include "data/pipeline/knowledge/ephemeral_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/knowledge/ephemeral_judge.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::string kLabels = std::string(PHIDIAS_SOURCE_DIR) + "/recipes/data/labels/ephemeral.jsonl";

bool labelled_ephemeral(const LabelledPassage& passage) { return passage.durability <= 1 && passage.teaching <= 1; }

struct Verdicts {
  int right = 0, wrong = 0, missed = 0;
  double precision() const { return right / static_cast<double>(right + wrong); }
  double recall() const { return right / static_cast<double>(right + missed); }
};

void judge(const EphemeralModel& model, const LabelledPassage& passage, Verdicts& verdicts) {
  EphemeralFeatures features;
  read_ephemeral_features(passage.text, features);
  const EphemeralScores scores = model.score(features);
  const bool dropped = is_ephemeral(features, scores, {}, std::nullopt);
  const bool expected = labelled_ephemeral(passage);
  verdicts.right += dropped && expected;
  verdicts.wrong += dropped && !expected;
  verdicts.missed += !dropped && expected;
  if (dropped != expected)
    std::printf("  %s %.2f %.2f [%s] %s\n", dropped ? "wrongly dropped" : "missed", scores.durability, scores.teaching, passage.template_name.c_str(),
                passage.text.substr(0, 100).c_str());
}

TEST(EphemeralModel, WeightsOfTheProgramAreThoseThatTheLabelsGive) {
  const EphemeralModel trained = train_ephemeral_model(read_labelled_passages(kLabels));
  const EphemeralModel& carried = EphemeralModel::built_in();
  for (std::size_t i = 0; i <= kEphemeralFeatures; ++i) {  // five decimals in the file, and the sums of exp() of another machine
    EXPECT_NEAR(trained.durability[i], carried.durability[i], 1e-4) << i;
    EXPECT_NEAR(trained.teaching[i], carried.teaching[i], 1e-4) << i;
  }
}

TEST(EphemeralModel, LabelsAreManyAndOfBothSorts) {
  const auto passages = read_labelled_passages(kLabels);
  std::set<std::string> texts, templates;
  int lasting = 0;
  for (const LabelledPassage& passage : passages) {
    texts.insert(passage.text);
    templates.insert(passage.template_name);
    lasting += !labelled_ephemeral(passage);
  }
  EXPECT_EQ(texts.size(), passages.size());
  EXPECT_GE(passages.size(), 400U);
  EXPECT_GE(lasting, 120);
  EXPECT_GE(templates.size(), 50U);
}

// Ten parts; a template is wholly in one, so that no variant of a tested sentence was trained on.
TEST(EphemeralModel, HeldOutTemplatesAreJudgedWithPrecision) {
  const auto passages = read_labelled_passages(kLabels);
  constexpr std::uint64_t kParts = 10;
  const auto part_of = [](const LabelledPassage& passage) {
    return hash_string(passage.template_name.empty() ? passage.text : passage.template_name).low % kParts;
  };
  Verdicts verdicts;
  for (std::uint64_t part = 0; part < kParts; ++part) {
    std::vector<LabelledPassage> training;
    for (const LabelledPassage& passage : passages)
      if (part_of(passage) != part) training.push_back(passage);
    const EphemeralModel model = train_ephemeral_model(training);
    for (const LabelledPassage& passage : passages)
      if (part_of(passage) == part) judge(model, passage, verdicts);
  }
  std::printf("held-out templates: precision %.3f, recall %.3f\n", verdicts.precision(), verdicts.recall());
  EXPECT_GE(verdicts.precision(), 0.97);
  EXPECT_GE(verdicts.recall(), 0.85);
}

// Passages that were written after the lexicon and the labels were closed, on other subjects and in other words.
TEST(EphemeralModel, UnseenPassagesAreJudgedWithPrecision) {
  Verdicts verdicts;
  const auto passages = read_labelled_passages(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/ephemeral/unseen.jsonl");
  for (const LabelledPassage& passage : passages) judge(EphemeralModel::built_in(), passage, verdicts);
  std::printf("unseen passages: %zu, precision %.3f, recall %.3f\n", passages.size(), verdicts.precision(), verdicts.recall());
  EXPECT_GE(passages.size(), 100U);
  EXPECT_GE(verdicts.precision(), 0.9);
  EXPECT_GE(verdicts.recall(), 0.7);
}

TEST(EphemeralModel, FileComesBackAsItWasWritten) {
  const std::string text = EphemeralModel::built_in().text();
  EXPECT_EQ(EphemeralModel::parse(text, "x").text(), text);
  EXPECT_NE(message_of<DataError>([] { EphemeralModel::parse("bias 1", "weights"); }).find("weights: line 1"), std::string::npos);
  EXPECT_THROW(EphemeralModel::parse("bias 1 2\nweekday 1 2\n", "weights"), DataError);
}

TEST(EphemeralModel, BrokenLabelsAreNamedByLine) {
  const TemporaryDirectory directory;
  const std::string path =
      directory.write("labels.jsonl", "{\"text\":\"a\",\"durability\":1,\"teaching\":2}\n{\"text\":\"b\",\"durability\":6,\"teaching\":2}\n");
  EXPECT_NE(message_of<DataError>([&] { read_labelled_passages(path); }).find("labels.jsonl:2: 'durability'"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
