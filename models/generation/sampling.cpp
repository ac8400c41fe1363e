#include "models/generation/sampling.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/philox.h"
#include "kernels/token_choice.h"

namespace phidias::models {

namespace {

constexpr float kRemoved = -std::numeric_limits<float>::infinity();

void penalise(float* scores, const std::vector<std::int32_t>& seen, double penalty) {
  for (const std::int32_t token : seen) {
    float& score = scores[token];
    score = static_cast<float>(score < 0 ? score * penalty : score / penalty);
  }
}

// Ties with the k-th largest stay.
void keep_top_k(std::vector<float>& scores, std::int64_t k) {
  if (k <= 0 || k >= static_cast<std::int64_t>(scores.size())) return;
  std::vector<float> order = scores;
  std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), std::greater<>());
  const float smallest = order[static_cast<std::size_t>(k - 1)];
  for (float& score : scores) score = score < smallest ? kRemoved : score;
}

// From the least likely upwards, tokens go while their cumulative probability is at most 1 - p; the likeliest always stays.
void keep_top_p(std::vector<float>& scores, double p) {
  if (p >= 1.0) return;
  std::vector<std::int32_t> kept;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] != kRemoved) kept.push_back(static_cast<std::int32_t>(i));
  }
  const auto score = [&scores](std::int32_t token) { return scores[static_cast<std::size_t>(token)]; };
  std::stable_sort(kept.begin(), kept.end(), [&score](std::int32_t a, std::int32_t b) { return score(a) < score(b); });
  const double largest = score(kept.back());
  double total = 0.0;
  for (const std::int32_t token : kept) total += std::exp(score(token) - largest);
  double cumulative = 0.0;
  for (std::size_t i = 0; i + 1 < kept.size(); ++i) {
    cumulative += std::exp(score(kept[i]) - largest) / total;
    if (cumulative > 1.0 - p) break;
    scores[static_cast<std::size_t>(kept[i])] = kRemoved;
  }
}

std::int32_t draw(const std::vector<float>& scores, double uniform) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> cumulative(scores.size());
  double total = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] != kRemoved) total += std::exp(scores[i] - largest);
    cumulative[i] = total;
  }
  const auto chosen = std::upper_bound(cumulative.begin(), cumulative.end(), uniform * total);
  if (chosen != cumulative.end()) return static_cast<std::int32_t>(chosen - cumulative.begin());
  return static_cast<std::int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::int32_t sample_row(const float* logits, std::int64_t vocabulary, const SamplingRow& row, const GenerationOptions& options) {
  std::vector<float> scores(logits, logits + vocabulary);
  for (float& score : scores) score = static_cast<float>(score / options.temperature);
  keep_top_k(scores, options.top_k);
  keep_top_p(scores, options.top_p);
  const PhiloxKey key = philox_key(options.seed, RandomSite::token_sampling, row.id, row.position);
  return draw(scores, philox_uniform_double(key, 0));
}

}  // namespace

std::vector<SampledToken> choose_tokens(const at::Tensor& logits, const std::vector<SamplingRow>& rows, const GenerationOptions& options) {
  const auto count = static_cast<std::int64_t>(rows.size()), vocabulary = logits.size(1);
  at::Tensor scores = logits;
  if (options.repetition_penalty != 1.0) {
    const at::Tensor host = logits.cpu();
    scores = host.is_same(logits) ? logits.clone() : host;
    for (std::int64_t i = 0; i < count; ++i) {
      penalise(scores.mutable_data_ptr<float>() + i * vocabulary, *rows[static_cast<std::size_t>(i)].seen, options.repetition_penalty);
    }
  }
  at::Tensor tokens;
  if (options.temperature == 0.0) {
    tokens = kernels::likeliest_tokens(scores).to(logits.device());
  } else {
    const at::Tensor host = scores.cpu().contiguous();
    tokens = at::empty({count}, at::kLong);
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        tokens.mutable_data_ptr<std::int64_t>()[i] =
            sample_row(host.const_data_ptr<float>() + i * vocabulary, vocabulary, rows[static_cast<std::size_t>(i)], options);
      }
    });
    tokens = tokens.to(logits.device());
  }
  const at::Tensor logprobs = kernels::log_probabilities(logits, tokens).cpu();
  const at::Tensor host_tokens = tokens.cpu();
  std::vector<SampledToken> sampled;
  for (std::int64_t i = 0; i < count; ++i) {
    sampled.push_back({static_cast<std::int32_t>(host_tokens.const_data_ptr<std::int64_t>()[i]), logprobs.const_data_ptr<float>()[i]});
  }
  return sampled;
}

void check_options(const GenerationOptions& options) {
  const auto require = [](bool valid, const std::string& text) {
    if (!valid) throw ConfigError(text);
  };
  require(options.max_new_tokens >= 1, "max_new_tokens must be at least 1");
  require(options.temperature >= 0.0 && std::isfinite(options.temperature), "temperature must be 0 (greedy) or a positive number");
  require(options.top_k >= 0, "top_k must be 0 (all tokens) or a positive number");
  require(options.top_p > 0.0 && options.top_p <= 1.0, "top_p must be above 0 and at most 1");
  require(options.repetition_penalty > 0.0 && std::isfinite(options.repetition_penalty), "repetition_penalty must be positive");
  require(options.max_batch >= 1, "max_batch must be at least 1");
}

}  // namespace phidias::models
