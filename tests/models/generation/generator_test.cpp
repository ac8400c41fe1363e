#include "models/generation/generator.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "models/generation/sampling.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

GenerationOptions greedy(std::int64_t tokens) {
  GenerationOptions options;
  options.max_new_tokens = tokens;
  options.ignore_eos = true;
  return options;
}

class GeneratorGolden : public testing::TestWithParam<std::string> {
 protected:
  GoldenCase golden_{GetParam()};
};

// The oracle recomputes the whole text for every token with transformers; some answers cross the original length of LongRoPE.
TEST_P(GeneratorGolden, GreedyAnswersEqualTransformers) {
  for (const Json& answer : golden_.golden["answers"]) {
    const auto expected = answer["output"].get<std::vector<std::int32_t>>();
    GenerationOptions options = greedy(static_cast<std::int64_t>(expected.size()));
    options.repetition_penalty = answer["repetition_penalty"].get<double>();
    const Generation result = generate(golden_.model(), {{answer["prompt"].get<std::vector<std::int32_t>>(), 0}}, options).front();
    EXPECT_EQ(result.output_ids, expected);
    EXPECT_EQ(result.finish, "length");
  }
}

TEST_P(GeneratorGolden, TheCacheGivesTheLogProbabilitiesOfRecomputation) {
  const std::vector<GenerateRequest> requests = {{{5, 6, 7}, 0}, {{9, 10, 11, 12, 13, 14, 15}, 1}, {{20}, 2}};
  const std::vector<Generation> results = generate(golden_.model(), requests, greedy(9));
  const at::NoGradGuard no_gradients;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    std::vector<std::int32_t> text = requests[r].prompt;
    for (std::size_t i = 0; i < results[r].output_ids.size(); ++i) {
      const kernels::PackedBatch batch = kernels::to_device(pack({text}, golden_.loaded.config), at::kCPU);
      const at::Tensor hidden = golden_.model().forward(batch, {});
      const at::Tensor logprobs = at::log_softmax(kernels::last_logits(hidden.narrow(0, hidden.size(0) - 1, 1), golden_.model().head()), 1)[0];
      EXPECT_EQ(logprobs.argmax().item<std::int32_t>(), results[r].output_ids[i]);
      // Sums in another order in the one-row products: 1e-4 is 10 times what is seen.
      EXPECT_NEAR(logprobs[results[r].output_ids[i]].item<float>(), results[r].token_logprobs[i], 1e-4) << "request " << r << ", token " << i;
      text.push_back(results[r].output_ids[i]);
    }
  }
}

TEST_P(GeneratorGolden, ResultsDoNotDependOnTheBatch) {
  std::vector<GenerateRequest> requests;
  for (std::uint64_t i = 0; i < 5; ++i) {
    std::vector<std::int32_t> prompt;
    for (std::uint64_t j = 0; j <= i; ++j) prompt.push_back(static_cast<std::int32_t>(8 + 7 * i + j));
    requests.push_back({prompt, i});
  }
  GenerationOptions options = greedy(8);
  options.temperature = 0.8;
  options.seed = 4;
  options.ignore_eos = false;
  options.end_tokens = {30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40};  // some leave early, so that slots are used again
  const std::vector<Generation> together = generate(golden_.model(), requests, options);
  options.max_batch = 2;
  const std::vector<Generation> pairs = generate(golden_.model(), requests, options);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(together[i].output_ids, generate(golden_.model(), {requests[i]}, options).front().output_ids);
    EXPECT_EQ(together[i].output_ids, pairs[i].output_ids);
    EXPECT_EQ(together[i].finish, pairs[i].finish);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GeneratorGolden, testing::ValuesIn(golden_names()), [](const auto& info) { return info.param; });

TEST(Generator, EveryEndTokenStopsAndIsPartOfTheAnswer) {
  GoldenCase golden("mha_window");
  const std::vector<GenerateRequest> request = {{{5, 6, 7}, 0}};
  const std::vector<std::int32_t> full = generate(golden.model(), request, greedy(8)).front().output_ids;
  GenerationOptions options = greedy(8);
  options.ignore_eos = false;
  options.end_tokens = {95, full[3]};
  const Generation result = generate(golden.model(), request, options).front();
  const auto first = std::find_if(full.begin(), full.end(), [&](std::int32_t t) { return t == 95 || t == full[3]; });
  EXPECT_EQ(result.output_ids, std::vector<std::int32_t>(full.begin(), first + 1));
  EXPECT_EQ(result.finish, "stop");
}

TEST(Generator, TokensAreToldAsTheyAppear) {
  GoldenCase golden("mha_window");
  std::map<std::size_t, std::vector<std::int32_t>> told;
  const auto results =
      generate(golden.model(), {{{5}, 0}, {{6, 7}, 1}}, greedy(5), [&](std::size_t request, std::int32_t token) { told[request].push_back(token); });
  EXPECT_EQ(told[0], results[0].output_ids);
  EXPECT_EQ(told[1], results[1].output_ids);
}

TEST(Generator, AnswersEndWhereThePositionsEnd) {
  GoldenCase golden("gqa_longrope");
  const Generation result = generate(golden.model(), {{std::vector<std::int32_t>(60, 9), 0}}, greedy(50)).front();
  EXPECT_EQ(result.output_ids.size(), 4U);
  EXPECT_EQ(result.finish, "length");
}

TEST(Generator, ImpossibleRequestsAreRefused) {
  GoldenCase golden("mha_window");
  EXPECT_THROW(generate(golden.model(), {{{}, 0}}, greedy(1)), DataError);
  EXPECT_THROW(generate(golden.model(), {{{96}, 0}}, greedy(1)), DataError);
  EXPECT_THROW(generate(golden.model(), {{std::vector<std::int32_t>(64, 9), 0}}, greedy(1)), DataError);
  GenerationOptions options = greedy(1);
  options.top_p = 0.0;
  EXPECT_THROW(generate(golden.model(), {{{1}, 0}}, options), ConfigError);
  options = greedy(1);
  options.temperature = -1.0;
  EXPECT_THROW(generate(golden.model(), {{{1}, 0}}, options), ConfigError);
  EXPECT_TRUE(generate(golden.model(), {}, greedy(1)).empty());
}

// Frequencies of 4000 draws from the same logits.
std::map<std::int32_t, double> frequencies(const at::Tensor& logits, const GenerationOptions& options) {
  std::map<std::int32_t, double> counts;
  const std::vector<std::int32_t> seen;
  for (std::uint64_t i = 0; i < 4000; ++i) counts[choose_tokens(logits, {{&seen, 3, i}}, options).front().token] += 1.0 / 4000;
  return counts;
}

GenerationOptions sampling(double temperature, std::int64_t top_k, double top_p) {
  GenerationOptions options;
  options.temperature = temperature;
  options.top_k = top_k;
  options.top_p = top_p;
  return options;
}

at::Tensor known_logits() { return at::tensor({0.1F, 0.4F, 0.2F, 0.3F}).log().unsqueeze(0); }  // probabilities of tokens 0..3

// 4000 draws: standard error 0.008 at most; 0.03 is almost four of them.
TEST(Sampling, FrequenciesFollowTheProbabilities) {
  auto counts = frequencies(known_logits(), sampling(1.0, 0, 1.0));
  EXPECT_NEAR(counts[0], 0.1, 0.03);
  EXPECT_NEAR(counts[1], 0.4, 0.03);
  counts = frequencies(known_logits(), sampling(0.5, 0, 1.0));  // squares: 1, 16, 4, 9 of 30
  EXPECT_NEAR(counts[1], 16.0 / 30, 0.03);
}

TEST(Sampling, TopKKeepsTheLikeliestAndTheirTies) {
  auto counts = frequencies(known_logits(), sampling(1.0, 2, 1.0));
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts[1], 4.0 / 7, 0.03);
  counts = frequencies(at::zeros({1, 4}), sampling(1.0, 2, 1.0));
  EXPECT_EQ(counts.size(), 4U);
}

TEST(Sampling, TopPKeepsTheSmallestSetThatExceedsIt) {
  EXPECT_EQ(frequencies(known_logits(), sampling(1.0, 0, 0.35)).size(), 1U);  // 0.4
  EXPECT_EQ(frequencies(known_logits(), sampling(1.0, 0, 0.65)).size(), 2U);  // 0.4 + 0.3
  EXPECT_EQ(frequencies(known_logits(), sampling(1.0, 0, 0.85)).size(), 3U);
  EXPECT_EQ(frequencies(known_logits(), sampling(1.0, 2, 0.5)).size(), 1U);  // after top-k: 0.4 / 0.7
}

TEST(Sampling, ReportsTheLogProbabilityOfTheUnchangedLogits) {
  const std::vector<std::int32_t> seen = {1};
  GenerationOptions options;
  options.repetition_penalty = 10.0;
  const SampledToken chosen = choose_tokens(known_logits(), {{&seen, 0, 0}}, options).front();
  EXPECT_EQ(chosen.token, 3);  // log 0.4 * 10 is below log 0.3
  EXPECT_NEAR(chosen.logprob, std::log(0.3), 1e-6);
}

TEST(Sampling, DrawsDependOnSeedRequestAndPosition) {
  const at::Tensor logits = at::zeros({1, 1000});
  const std::vector<std::int32_t> seen;
  const auto draw = [&](std::uint64_t seed, std::uint64_t id, std::uint64_t position) {
    GenerationOptions options = sampling(1.0, 0, 1.0);
    options.seed = seed;
    return choose_tokens(logits, {{&seen, id, position}}, options).front().token;
  };
  EXPECT_EQ(draw(1, 2, 3), draw(1, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(2, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 3, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 2, 4));
}

}  // namespace
}  // namespace phidias::models
