#include "kernels/swiglu.h"

#include "kernels/autograd.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate_up) {
    ctx->save_for_backward({gate_up});
    return reference::swiglu(gate_up);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    return {reference::swiglu_backward(gradients[0].contiguous(), ctx->get_saved_variables()[0])};
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate_up) { return records_gradients() ? SwiGlu::apply(gate_up) : reference::swiglu(gate_up); }

}  // namespace phidias::kernels
