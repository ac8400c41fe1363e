#include "trainer/scoring/scorer.h"

#include <ATen/ops/copy.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "kernels/linear_cross_entropy.h"
#include "kernels/packed_batch.h"
#include "models/routing_record.h"

namespace phidias::trainer {
namespace {

std::int64_t length_of(const ScoreRequest& request) { return static_cast<std::int64_t>(request.input_ids.size()); }

bool counts(const ScoreRequest& request, std::size_t t) { return t > 0 && (request.labels.empty() || request.labels[t] != data::kIgnoredTarget); }

// Every next token is a target here; which of them count in the loss is decided afterwards.
data::MicroBatch pack(std::span<const ScoreRequest> requests, const configs::ModelConfig& config) {
  data::MicroBatch packed;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& ids = requests[i].input_ids;
    const auto begin = static_cast<std::int32_t>(packed.tokens.size());
    packed.tokens.insert(packed.tokens.end(), ids.begin(), ids.end());
    for (std::size_t t = 0; t < ids.size(); ++t) {
      packed.positions.push_back(static_cast<std::int32_t>(t));
      packed.targets.push_back(t + 1 < ids.size() ? ids[t + 1] : data::kIgnoredTarget);
    }
    const bool use_long = config.has_longrope && length_of(requests[i]) > config.original_max_positions;
    packed.segments.push_back({begin, static_cast<std::int32_t>(packed.tokens.size()), -1, use_long, i});
    packed.target_tokens += length_of(requests[i]) - 1;
  }
  return packed;
}

// The targets of the loss where some label is another token than the one that follows; empty where none is, as nearly always.
std::vector<std::int32_t> other_targets(std::span<const ScoreRequest> requests, const std::vector<std::int32_t>& following) {
  std::vector<std::int32_t> targets = following;
  std::size_t begin = 0;
  for (const ScoreRequest& request : requests) {
    for (std::size_t t = 1; t < request.labels.size(); ++t)
      if (counts(request, t)) targets[begin + t - 1] = request.labels[t];
    begin += request.input_ids.size();
  }
  return targets == following ? std::vector<std::int32_t>{} : targets;
}

// Log-probabilities of the token after t and of the label after t.
Score score_of(const ScoreRequest& request, const float* following, const float* labelled) {
  Score score;
  double sum = 0;
  for (std::size_t t = 0; t < request.input_ids.size(); ++t) {
    score.token_logprobs.push_back(t == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(following[t - 1]));
    if (!counts(request, t)) continue;
    sum -= static_cast<double>(labelled[t - 1]);
    ++score.target_tokens;
  }
  if (score.target_tokens > 0) score.loss = sum / static_cast<double>(score.target_tokens);
  score.perplexity = std::exp(score.loss);
  return score;
}

LayerChoices choices_of(const kernels::LayerRouting& layer, std::int64_t begin, std::int64_t end) {
  const at::Tensor experts = layer.experts.narrow(0, begin, end - begin).to(at::kCPU).contiguous();
  const at::Tensor weights = layer.weights.narrow(0, begin, end - begin).to(at::kCPU).to(at::kFloat).contiguous();
  const std::int64_t slots = experts.size(1);
  LayerChoices choices;
  for (std::int64_t t = 0; t < end - begin; ++t) {
    const std::int64_t* expert = experts.const_data_ptr<std::int64_t>() + t * slots;
    const float* weight = weights.const_data_ptr<float>() + t * slots;
    choices.experts.emplace_back(expert, expert + slots);
    choices.weights.emplace_back(weight, weight + slots);
  }
  return choices;
}

}  // namespace

Scorer::Scorer(const std::filesystem::path& model_directory, const ScorerOptions& options)
    : options_(options), loaded_(models::load_model(model_directory, options.dtype, options.device)) {
  if (options.routing && loaded_.config.num_experts == 0) throw ConfigError(model_directory.string() + " has no experts: there is no routing to show");
}

void Scorer::check(const ScoreRequest& request) const {
  if (request.input_ids.empty()) throw DataError("there is no token to score");
  if (!request.labels.empty() && request.labels.size() != request.input_ids.size())
    throw DataError("labels has " + std::to_string(request.labels.size()) + " values for " + std::to_string(request.input_ids.size()) + " input_ids");
  for (std::size_t t = 0; t < request.input_ids.size(); ++t) {
    const std::int32_t id = request.input_ids[t];
    if (id < 0 || id >= loaded_.config.vocab_size)
      throw DataError("input_ids[" + std::to_string(t) + "] is " + std::to_string(id) + ", outside the vocabulary of " +
                      std::to_string(loaded_.config.vocab_size));
    if (t == 0 || request.labels.empty() || request.labels[t] == data::kIgnoredTarget) continue;
    if (request.labels[t] < 0 || request.labels[t] >= loaded_.config.vocab_size)
      throw DataError("labels[" + std::to_string(t) + "] is " + std::to_string(request.labels[t]) + ", neither -100 nor in the vocabulary of " +
                      std::to_string(loaded_.config.vocab_size));
  }
  if (length_of(request) > loaded_.config.max_positions)
    throw DataError(std::to_string(length_of(request)) + " tokens are more than the model's " + std::to_string(loaded_.config.max_positions) + " positions");
}

template <class Visit>
void Scorer::for_each_pass(std::span<const ScoreRequest> requests, const Visit& visit) const {
  for (std::size_t begin = 0; begin < requests.size();) {
    std::size_t end = begin + 1;
    std::int64_t tokens = length_of(requests[begin]);
    while (end < requests.size() && tokens + length_of(requests[end]) <= options_.batch_tokens) tokens += length_of(requests[end++]);
    visit(begin, end);
    begin = end;
  }
}

std::vector<Score> Scorer::score(std::span<const ScoreRequest> requests) const {
  std::vector<Score> scores(requests.size());
  for_each_pass(requests, [&](std::size_t begin, std::size_t end) {
    score_together(requests.subspan(begin, end - begin), std::span(scores).subspan(begin, end - begin));
  });
  return scores;
}

at::Tensor Scorer::embed(std::span<const ScoreRequest> requests) const {
  const c10::InferenceMode inference;
  at::Tensor embeddings = at::zeros({static_cast<std::int64_t>(requests.size()), loaded_.config.hidden_size}, at::kFloat);
  for_each_pass(requests, [&](std::size_t begin, std::size_t end) {
    const data::MicroBatch packed = pack(requests.subspan(begin, end - begin), loaded_.config);
    models::ForwardOptions forward;
    forward.inclusive_window = options_.inclusive_window;
    const at::Tensor hidden = loaded_.model->forward(kernels::to_device(packed, options_.device), forward).to(at::kFloat);
    for (std::size_t i = 0; i < packed.segments.size(); ++i) {
      const data::Segment& segment = packed.segments[i];
      embeddings[static_cast<std::int64_t>(begin + i)].copy_(hidden.slice(0, segment.begin, segment.end).mean(0));
    }
  });
  return embeddings;
}

void Scorer::score_together(std::span<const ScoreRequest> requests, std::span<Score> scores) const {
  const c10::InferenceMode inference;
  data::MicroBatch packed = pack(requests, loaded_.config);
  const kernels::PackedBatch batch = kernels::to_device(packed, options_.device);
  models::ForwardOptions forward;
  forward.inclusive_window = options_.inclusive_window;
  if (options_.routing) {
    forward.routing = std::make_shared<models::RoutingRecord>();
    forward.routing->layers.resize(static_cast<std::size_t>(loaded_.config.num_layers));
    forward.routing->keep_choices = true;
  }
  const at::Tensor hidden = loaded_.model->forward(batch, forward);
  const at::Tensor following = kernels::token_log_probabilities(hidden, loaded_.model->head(), batch.targets).log_probability.to(at::kCPU).contiguous();
  at::Tensor labelled = following;
  if (std::vector<std::int32_t> other = other_targets(requests, packed.targets); !other.empty()) {
    packed.targets = std::move(other);
    const at::Tensor targets = kernels::to_device(packed, options_.device).targets;
    labelled = kernels::token_log_probabilities(hidden, loaded_.model->head(), targets).log_probability.to(at::kCPU).contiguous();
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto begin = packed.segments[i].begin;
    scores[i] = score_of(requests[i], following.const_data_ptr<float>() + begin, labelled.const_data_ptr<float>() + begin);
    if (!options_.routing) continue;
    for (const kernels::LayerRouting& layer : forward.routing->layers) scores[i].routing.push_back(choices_of(layer, begin, packed.segments[i].end));
  }
}

}  // namespace phidias::trainer
