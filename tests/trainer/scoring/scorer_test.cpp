#include "trainer/scoring/scorer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer {
namespace {

std::vector<ScoreRequest> validation_records() {
  std::vector<ScoreRequest> requests;
  std::ifstream file(trainer_test::golden_folder() / "validation.jsonl");
  for (std::string line; std::getline(file, line);) {
    const Json json = parse_json(line, "validation.jsonl");
    requests.push_back({json["input_ids"].get<std::vector<std::int32_t>>(), json.value("labels", std::vector<std::int32_t>{})});
  }
  return requests;
}

TEST(Scorer, LossOfAFileEqualsTransformers) {
  Scorer scorer(trainer_test::golden_folder() / "model");
  double loss = 0, targets = 0;
  for (const Score& score : scorer.score(validation_records())) {
    loss += score.loss * static_cast<double>(score.target_tokens);
    targets += static_cast<double>(score.target_tokens);
  }
  const Json expected = read_json(trainer_test::golden_folder() / "expected.json");
  EXPECT_NEAR(loss / targets, expected["validation_before"].get<double>(), 1e-5);  // float32 forward of losses near 5
}

TEST(Scorer, PackingDoesNotChangeAScore) {
  const std::vector<ScoreRequest> requests = validation_records();
  Scorer packed(trainer_test::golden_folder() / "model"), alone(trainer_test::golden_folder() / "model", {.batch_tokens = 1});
  const std::vector<Score> a = packed.score(requests), b = alone.score(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_EQ(a[i].token_logprobs.size(), requests[i].input_ids.size());
    EXPECT_TRUE(std::isnan(a[i].token_logprobs[0]));
    for (std::size_t t = 1; t < a[i].token_logprobs.size(); ++t) EXPECT_NEAR(a[i].token_logprobs[t], b[i].token_logprobs[t], 1e-5);  // float32, other blocking
    EXPECT_EQ(a[i].target_tokens, b[i].target_tokens);
    EXPECT_NEAR(a[i].perplexity, std::exp(a[i].loss), 1e-9);
  }
}

TEST(Scorer, ALabelMayBeAnotherTokenThanTheOneThatFollows) {
  Scorer scorer(trainer_test::golden_folder() / "model");
  // The label after {5, 6} is 9: the same as the last token of {5, 6, 9}.
  const std::vector<ScoreRequest> requests = {{{5, 6, 7}, {0, -100, 9}}, {{5, 6, 9}, {}}, {{5, 6, 7}, {}}};
  const std::vector<Score> scores = scorer.score(requests);
  EXPECT_EQ(scores[0].target_tokens, 1);
  EXPECT_NEAR(scores[0].loss, -scores[1].token_logprobs[2], 1e-5);  // float32, other positions of the packed stream
  EXPECT_NEAR(scores[0].token_logprobs[2], scores[2].token_logprobs[2], 1e-5);
  EXPECT_NEAR(scores[2].loss, -(scores[2].token_logprobs[1] + scores[2].token_logprobs[2]) / 2, 1e-6);
}

TEST(Scorer, WhatCannotBeScoredIsNamed) {
  Scorer scorer(trainer_test::golden_folder() / "model");
  EXPECT_THROW(scorer.check({{}, {}}), DataError);
  EXPECT_THROW(scorer.check({{1, 96}, {}}), DataError);
  EXPECT_THROW(scorer.check({{1, 2}, {1}}), DataError);
  EXPECT_THROW(scorer.check({std::vector<std::int32_t>(65, 3), {}}), DataError);
  EXPECT_THROW(scorer.check({{1, 2}, {1, 96}}), DataError);
  EXPECT_NO_THROW(scorer.check({{1, 2, 3}, {-100, 2, 3}}));
  EXPECT_NO_THROW(scorer.check({{1, 2, 3}, {-1, 2, 3}})) << "the first label never counts";
}

}  // namespace
}  // namespace phidias::trainer
