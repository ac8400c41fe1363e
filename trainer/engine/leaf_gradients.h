// Takes over gradients that autograd delivers in a leaf's .grad (operations that do not write into the flat buffer themselves).
//
// A post-accumulate hook moves such a gradient into Parameter::gradient (overwriting or adding, in float32), drops .grad and reports the
// parameter as complete: .grad is complete when the hook fires, whatever Parameter::uses says. Parameters whose operations write directly
// get an undefined .grad, and the hook leaves them alone.
#pragma once

#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

// Call after FlatParameters::bind_for_training; the hooks live as long as the values they hang on.
void take_over_leaf_gradients(FlatParameters& parameters);

}  // namespace phidias::trainer
