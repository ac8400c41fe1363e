#include "trainer/scoring/text_scorer.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace phidias::trainer {

TextScorer::TextScorer(const std::filesystem::path& model, const std::filesystem::path& tokenizer, const TextScorerOptions& options)
    : options_(options), tokenizer_(data::Tokenizer::load(tokenizer)), scorer_(model, {.dtype = options.dtype, .device = options.device}) {
  const std::int64_t positions = scorer_.config().max_positions;
  options_.max_tokens = options.max_tokens > 0 ? std::min(options.max_tokens, positions) : positions;
}

std::unique_lock<std::mutex> TextScorer::turn() const {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (options_.device.is_cuda())
    lock.lock();
  else
    at::set_num_threads(1);
  return lock;
}

std::vector<ScoreRequest> TextScorer::requests_of(std::span<const std::string_view> texts, std::vector<std::size_t>& indices) const {
  std::vector<ScoreRequest> requests;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ScoreRequest request;
    tokenizer_->encode(texts[i], {.special = data::SpecialTokens::text}, request.input_ids);
    if (static_cast<std::int64_t>(request.input_ids.size()) > options_.max_tokens) request.input_ids.resize(static_cast<std::size_t>(options_.max_tokens));
    if (request.input_ids.empty()) continue;
    requests.push_back(std::move(request));
    indices.push_back(i);
  }
  return requests;
}

std::vector<data::pipeline::TextScore> TextScorer::score(std::span<const std::string_view> texts) const {
  std::vector<std::size_t> indices;
  const std::vector<ScoreRequest> requests = requests_of(texts, indices);
  const auto lock = turn();
  const std::vector<Score> scores = scorer_.score(requests);
  std::vector<data::pipeline::TextScore> result(texts.size());
  for (std::size_t i = 0; i < scores.size(); ++i) result[indices[i]] = {scores[i].loss, scores[i].target_tokens};
  return result;
}

std::size_t TextScorer::dimension() const { return static_cast<std::size_t>(scorer_.config().hidden_size); }

std::vector<float> TextScorer::embed(std::span<const std::string_view> texts) const {
  std::vector<std::size_t> indices;
  const std::vector<ScoreRequest> requests = requests_of(texts, indices);
  const auto lock = turn();
  const at::Tensor embeddings = scorer_.embed(requests).contiguous();
  std::vector<float> rows(texts.size() * dimension(), 0.0f);
  for (std::size_t i = 0; i < indices.size(); ++i)
    std::copy_n(embeddings.const_data_ptr<float>() + i * dimension(), dimension(), rows.data() + indices[i] * dimension());
  return rows;
}

}  // namespace phidias::trainer
