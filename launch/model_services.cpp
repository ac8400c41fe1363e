#include "launch/model_services.h"

#include <ATen/ops/from_blob.h>

#include <vector>

#include "launch/inference.h"
#include "trainer/scoring/embedding_head.h"
#include "trainer/scoring/text_scorer.h"

namespace phidias::launch {
namespace {

std::unique_ptr<trainer::TextScorer> load(const std::string& directory, std::int64_t max_tokens) {
  const InferenceSetup setup = prepare_inference(directory, "auto");
  setup.require_tokenizer();
  return std::make_unique<trainer::TextScorer>(setup.directory, setup.directory,
                                               trainer::TextScorerOptions{.dtype = setup.dtype, .device = setup.device, .max_tokens = max_tokens});
}

class HeadOnEncoder final : public data::pipeline::EmbeddingHead {
 public:
  explicit HeadOnEncoder(const std::string& directory) : head_(trainer::TrainedHead::load(directory)), encoder_(load(head_.encoder(), head_.max_tokens())) {}
  std::vector<double> score(std::span<const std::string_view> texts) const override {
    std::vector<float> rows = encoder_->embed(texts);
    const at::Tensor embeddings =
        at::from_blob(rows.data(), {static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(encoder_->dimension())}, at::kFloat);
    const at::Tensor scores = head_.score(embeddings).contiguous();
    return {scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + scores.numel()};
  }

 private:
  trainer::TrainedHead head_;
  std::unique_ptr<trainer::TextScorer> encoder_;
};

}  // namespace

data::pipeline::ModelServices make_model_services() {
  return {
      .scorer = [](const std::string& directory, std::int64_t max_tokens) -> std::unique_ptr<data::pipeline::Scorer> { return load(directory, max_tokens); },
      .embedder = [](const std::string& directory, std::int64_t max_tokens) -> std::unique_ptr<data::pipeline::Embedder> {
        return load(directory, max_tokens);
      },
      .embedding_head = [](const std::string& head) -> std::unique_ptr<data::pipeline::EmbeddingHead> { return std::make_unique<HeadOnEncoder>(head); }};
}

}  // namespace phidias::launch
