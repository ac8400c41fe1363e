#include "kernels/expert_lora.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>

#include "kernels/cuda_backend.h"
#include "kernels/drawn_factor.h"

namespace phidias::kernels {
namespace {

constexpr std::uint64_t kMatrices = 3;

std::initializer_list<Parameter * ExpertLora::*> parameters() {
  static constexpr std::initializer_list<Parameter * ExpertLora::*> kAll = {&ExpertLora::gate_a, &ExpertLora::gate_b, &ExpertLora::up_a,
                                                                            &ExpertLora::up_b,   &ExpertLora::down_a, &ExpertLora::down_b};
  return kAll;
}

}  // namespace

void accumulate_slice(const Parameter& parameter, std::int64_t e, const at::Tensor& dy, const at::Tensor& x) {
  at::Tensor target = parameter.gradient.select(0, e);
  if (on_cuda(x)) {
    require_cuda().accumulate_weight_gradient(dy, x, target, parameter.beta());
  } else if (x.scalar_type() != at::kFloat || dy.scalar_type() != at::kFloat) {
    const at::Tensor product = at::mm(dy.t(), x);
    if (parameter.has_gradient)
      target.add_(product);
    else
      target.copy_(product);
  } else if (parameter.has_gradient) {
    target.addmm_(dy.t(), x);
  } else {
    at::mm_out(target, dy.t(), x);
  }
}

void clear_slice(const Parameter& parameter, std::int64_t e) {
  if (!parameter.has_gradient) parameter.gradient.select(0, e).zero_();
}

ExpertAdapter::ExpertAdapter(const ExpertLora& lora, int matrix, std::int64_t local, std::int64_t global, const at::Tensor& keys)
    : a_(matrix == 0   ? lora.gate_a
         : matrix == 1 ? lora.up_a
                       : lora.down_a),
      b_(matrix == 0   ? lora.gate_b
         : matrix == 1 ? lora.up_b
                       : lora.down_b),
      local_(local),
      site_(lora.site + kMatrices * static_cast<std::uint64_t>(global) + static_cast<std::uint64_t>(matrix)),
      scale_(lora.scale),
      dropout_(keys.defined() ? lora.dropout : 0.0),
      keys_(keys) {}

at::Tensor ExpertAdapter::dropped(const at::Tensor& x) const {
  const at::Tensor wide = x.to(a_->value.scalar_type());
  return dropout_ > 0 ? apply_drawn_factor(wide, keys_, dropout_factor(dropout_, site_)) : wide;
}

void ExpertAdapter::add_to(const at::Tensor& x, const at::Tensor& out) const {
  const at::Tensor u = dropped(x).mm(a_->value.select(0, local_).t()), b = b_->value.select(0, local_);
  if (out.scalar_type() == u.scalar_type())
    out.addmm_(u, b.t(), 1, scale_);
  else
    out.add_(u.mm(b.t()), scale_);
}

at::Tensor ExpertAdapter::inner_gradient(const at::Tensor& dy) const { return dy.to(b_->value.scalar_type()).mm(b_->value.select(0, local_)).mul_(scale_); }

void ExpertAdapter::add_input_gradient(const at::Tensor& inner, const at::Tensor& dx) const {
  const at::Tensor through = inner.mm(a_->value.select(0, local_));
  dx.add_(dropout_ > 0 ? apply_drawn_factor(through, keys_, dropout_factor(dropout_, site_)) : through);
}

void ExpertAdapter::add_parameter_gradients(const at::Tensor& x, const at::Tensor& dy, const at::Tensor& inner) const {
  if (!a_->trainable() && !b_->trainable()) return;
  const at::Tensor input = dropped(x);
  if (a_->trainable()) accumulate_slice(*a_, local_, inner, input);
  if (b_->trainable()) accumulate_slice(*b_, local_, dy.to(input.scalar_type()), input.mm(a_->value.select(0, local_).t()).mul_(scale_));
}

void clear_expert(const Experts& experts, std::int64_t local) {
  if (experts.gate_up->trainable()) clear_slice(*experts.gate_up, local);
  if (experts.down->trainable()) clear_slice(*experts.down, local);
  if (experts.lora == nullptr) return;
  const ExpertLora& lora = *experts.lora;
  for (const auto member : parameters())
    if (lora.*member != nullptr && (lora.*member)->trainable()) clear_slice(*(lora.*member), local);
}

void report_lora_gradients(const ExpertLora& lora) {
  for (const auto member : parameters())
    if (lora.*member != nullptr && (lora.*member)->trainable()) (lora.*member)->contributed();
}

}  // namespace phidias::kernels
