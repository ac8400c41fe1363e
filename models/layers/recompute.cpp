#include "models/layers/recompute.h"

#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

namespace phidias::models {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A closure cannot travel in an IValue by itself; a capsule of this holder can.
struct SegmentHolder : torch::CustomClassHolder {
  explicit SegmentHolder(RecomputedSegment s) : segment(std::move(s)) {}
  RecomputedSegment segment;
};

void call(const std::function<void()>& action) {
  if (action) action();
}

struct RecomputeFunction : torch::autograd::Function<RecomputeFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const c10::intrusive_ptr<SegmentHolder>& holder) {
    context->save_for_backward({input});
    context->saved_data["segment"] = c10::IValue::make_capsule(holder);
    call(holder->segment.before);
    // Operations may choose other instructions when nothing is recorded (a skinny product for few rows). Recording here, and dropping the
    // record at once, makes the value the same bits as the recorded segment's; the block's intermediates live no longer than in backward.
    const at::AutoGradMode recording(true);
    const at::Tensor output = holder->segment.run(input.detach().requires_grad_()).detach();
    call(holder->segment.after);
    return output;
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const auto capsule = context->saved_data["segment"].toCapsule();
    const RecomputedSegment& segment = static_cast<const SegmentHolder*>(capsule.get())->segment;
    const at::Tensor input = context->get_saved_variables()[0].detach().requires_grad_();
    call(segment.before_backward);
    at::Tensor output;
    {
      const at::AutoGradMode recording(true);
      output = segment.run(input);
    }
    torch::autograd::backward({output}, {output_gradients[0]});
    call(segment.after_backward);
    return {input.grad(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recompute(RecomputedSegment segment, const at::Tensor& input, bool segment_trainable) {
  if (!at::GradMode::is_enabled() || (!input.requires_grad() && !segment_trainable)) {
    call(segment.before);
    const at::Tensor output = segment.run(input);
    call(segment.after);
    return output;
  }
  // The function only becomes part of the graph through an input that needs a gradient, which frozen embeddings do not have.
  const at::Tensor recorded_input = input.requires_grad() ? input : input.detach().requires_grad_();
  return RecomputeFunction::apply(recorded_input, c10::make_intrusive<SegmentHolder>(std::move(segment)));
}

}  // namespace phidias::models
