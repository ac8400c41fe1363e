#include "models/initialise.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/hash.h"
#include "base/philox.h"
#include "kernels/allocator.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kAlignmentBytes = 64;  // each value starts a cache line: vector loads and direct I/O
constexpr std::int64_t kNormalsPerBlock = 4;  // one Philox block of four words makes two Box-Muller pairs

// Four standard normals from one block, Box-Muller in double: (0, 1] for the logarithm, [0, 1) for the angle.
std::array<float, 4> normals(const PhiloxBlock& block) {
  std::array<float, 4> values{};
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(block[2 * pair]) + 1.0) * 0x1p-32));
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(block[2 * pair + 1]) * 0x1p-32;
    values[2 * pair] = static_cast<float>(radius * std::cos(angle));
    values[2 * pair + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return values;
}

std::int64_t element_count(const ParameterDeclaration& declaration) {
  std::int64_t count = 1;
  for (const std::int64_t size : declaration.shape) count *= size;
  return count;
}

}  // namespace

void initial_values(const ParameterDeclaration& declaration, double initializer_range, std::uint64_t seed, std::int64_t begin, std::int64_t count, float* out) {
  if (declaration.initialisation != Initialisation::normal) {
    std::fill(out, out + count, declaration.initialisation == Initialisation::ones ? 1.0F : 0.0F);
    return;
  }
  const Hash128 name = hash_string(declaration.name);
  const PhiloxKey key = philox_key(seed, RandomSite::weight_init, name.high, name.low);
  const std::int64_t end = begin + count;
  const std::int64_t first_block = begin / kNormalsPerBlock, last_block = (end + kNormalsPerBlock - 1) / kNormalsPerBlock;
  at::parallel_for(first_block, last_block, 4096, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t block = from; block < to; ++block) {
      const std::array<float, 4> values = normals(philox_block(key, static_cast<std::uint64_t>(block)));
      for (std::int64_t i = 0; i < kNormalsPerBlock; ++i) {
        const std::int64_t index = block * kNormalsPerBlock + i;
        if (index < begin || index >= end) continue;
        out[index - begin] = static_cast<float>(initializer_range * static_cast<double>(values[static_cast<std::size_t>(i)]));
      }
    }
  });
}

at::Tensor allocate(CausalLM& model, at::ScalarType dtype, at::Device device) {
  const std::int64_t alignment = kAlignmentBytes / static_cast<std::int64_t>(c10::elementSize(dtype));
  const auto padded = [alignment](std::int64_t count) { return (count + alignment - 1) / alignment * alignment; };
  std::int64_t total = 0;
  for (const ParameterDeclaration& declaration : model.declarations()) total += padded(element_count(declaration));
  const at::Tensor storage = device.is_cpu() ? kernels::empty_in_huge_pages(total, dtype) : at::empty({total}, at::TensorOptions(dtype).device(device));
  std::int64_t offset = 0;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    const std::int64_t count = element_count(declaration);
    declaration.parameter->value = storage.narrow(0, offset, count).view(declaration.shape).detach();
    offset += padded(count);
  }
  return storage;
}

void initialise(CausalLM& model, std::uint64_t seed) {
  const at::NoGradGuard no_gradients;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    at::Tensor& value = declaration.parameter->value;
    const bool in_place = value.is_cpu() && value.scalar_type() == at::kFloat && value.is_contiguous();
    const at::Tensor host = in_place ? value : at::empty(declaration.shape, at::kFloat);
    initial_values(declaration, model.config().initializer_range, seed, 0, host.numel(), host.mutable_data_ptr<float>());
    if (!in_place) value.copy_(host);
  }
}

}  // namespace phidias::models
