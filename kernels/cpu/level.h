// The parts of one instruction set's table; PHIDIAS_LEVEL (plain, avx2, avx512) comes from the build. Included by cpu/*.cpp only.
#pragma once

#include <omp.h>
#include <stddef.h>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/simd.h"

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_elementwise(Kernels& kernels);
void add_attention(Kernels& kernels);
void add_attention_backward(Kernels& kernels);
void add_generation(Kernels& kernels);
void add_gegelu(Kernels& kernels);
void add_layer_norm(Kernels& kernels);
void add_draws(Kernels& kernels);
void add_routing(Kernels& kernels);
void add_experts(Kernels& kernels);
void add_loss(Kernels& kernels);
void add_skinny(Kernels& kernels);
void add_optimizer(Kernels& kernels);
const Kernels& table();

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL

namespace {
using phidias::kernels::BlockSparsePattern;
using phidias::kernels::cpu::AdamWFactors;
using phidias::kernels::cpu::AttentionProblem;
using phidias::kernels::cpu::AttentionTask;
using phidias::kernels::cpu::DecodeProblem;
using phidias::kernels::cpu::DrawnFactor;
using phidias::kernels::cpu::Kernels;
using phidias::kernels::cpu::kKeyBlock;
using phidias::kernels::cpu::kNormBlock;
using phidias::kernels::cpu::kQueryBlock;
using phidias::kernels::cpu::kSumBlock;
using phidias::kernels::cpu::MixerProblem;
using phidias::kernels::cpu::TypedKernels;
}  // namespace
