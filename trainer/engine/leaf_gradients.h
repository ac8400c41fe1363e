// Takes over gradients that autograd delivers in a leaf's .grad (operations that do not write into Parameter::gradient themselves).
//
// A post-accumulate hook moves such a gradient into Parameter::gradient (overwriting or adding, in float32), drops .grad and reports the
// parameter as complete: .grad is complete when the hook fires, whatever Parameter::uses says. Parameters whose operations write directly
// get an undefined .grad, and the hook leaves them alone.
#pragma once

#include "kernels/parameter.h"

namespace phidias::trainer {

// For the value that is bound now, a leaf that requires grad; the hook lives as long as it.
void take_over_leaf_gradient(kernels::Parameter& parameter);

}  // namespace phidias::trainer
