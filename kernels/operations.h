// The operations a Phi-3 model is made of, forward and gradient, on packed streams. One include for models/; each has its own header
// with the full contract.
#pragma once

#include "kernels/attention.h"
#include "kernels/embedding.h"
#include "kernels/linear.h"
#include "kernels/linear_cross_entropy.h"
#include "kernels/rms_norm.h"
#include "kernels/swiglu.h"
