#include "trainer/objectives/next_token.h"

#include "base/error.h"
#include "kernels/linear_cross_entropy.h"

namespace phidias::trainer {

Outcome NextToken::forward(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options, double gradient_scale) {
  const at::Tensor hidden = model.forward(batch, options);
  const at::Tensor loss = kernels::next_token_loss(hidden, model.head(), batch.targets, gradient_scale);
  return {loss, loss.detach(), {}};
}

Outcome NextToken::evaluate(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options) {
  const at::Tensor hidden = model.forward(batch, options);
  const at::Tensor log_probability = kernels::token_log_probabilities(hidden, model.head(), batch.targets).log_probability;
  return {{}, log_probability.sum(at::kDouble).neg(), {}};
}

std::unique_ptr<Objective> make_objective(configs::Method method) {
  if (method == configs::Method::pretrain || method == configs::Method::sft) return std::make_unique<NextToken>();
  throw ConfigError("method: this build trains pretrain and sft; reward, dpo, ppo and longrope are not part of it");
}

}  // namespace phidias::trainer
