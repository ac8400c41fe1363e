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

// In (-1, 1), symmetric.
std::array<float, 4> uniforms(const PhiloxBlock& block) {
  std::array<float, 4> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((static_cast<double>(block[i]) + 0.5) * 0x1p-31 - 1.0);
  return values;
}

std::int64_t element_count(const ParameterDeclaration& declaration) {
  std::int64_t count = 1;
  for (const std::int64_t size : declaration.shape) count *= size;
  return count;
}

}  // namespace

void initial_values(const ParameterDeclaration& declaration, const LogicalTensor& tensor, double initializer_range, std::uint64_t seed, std::int64_t begin,
                    std::int64_t count, float* out) {
  if (declaration.initialisation == Initialisation::ones || declaration.initialisation == Initialisation::zeros) {
    std::fill(out, out + count, declaration.initialisation == Initialisation::ones ? 1.0F : 0.0F);
    return;
  }
  const bool is_normal = declaration.initialisation == Initialisation::normal;
  const double width = is_normal ? initializer_range * declaration.scale : declaration.scale;
  const Hash128 name = hash_string(tensor.name);
  const PhiloxKey key = philox_key(seed, RandomSite::weight_init, name.high, name.low);
  const std::int64_t end = begin + count;
  const std::int64_t first_block = begin / kNormalsPerBlock, last_block = (end + kNormalsPerBlock - 1) / kNormalsPerBlock;
  at::parallel_for(first_block, last_block, 4096, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t block = from; block < to; ++block) {
      const PhiloxBlock words = philox_block(key, static_cast<std::uint64_t>(block));
      const std::array<float, 4> values = is_normal ? normals(words) : uniforms(words);
      for (std::int64_t i = 0; i < kNormalsPerBlock; ++i) {
        const std::int64_t index = block * kNormalsPerBlock + i;
        if (index < begin || index >= end) continue;
        out[index - begin] = static_cast<float>(width * static_cast<double>(values[static_cast<std::size_t>(i)]));
      }
    }
  });
}

at::Tensor allocate(CausalLM& model, at::ScalarType dtype, at::Device device) {
  const std::int64_t alignment = kAlignmentBytes / static_cast<std::int64_t>(c10::elementSize(dtype));
  const auto padded = [alignment](std::int64_t count) { return (count + alignment - 1) / alignment * alignment; };
  // Adapters are float32 in any model: beside the flat tensor when that is of another type.
  const auto apart = [dtype](const ParameterDeclaration& declaration) { return declaration.adapter && dtype != at::kFloat; };
  std::int64_t total = 0;
  for (const ParameterDeclaration& declaration : model.declarations()) total += apart(declaration) ? 0 : padded(element_count(declaration));
  const at::Tensor storage = device.is_cpu() ? kernels::empty_in_huge_pages(total, dtype) : at::empty({total}, at::TensorOptions(dtype).device(device));
  std::int64_t offset = 0;
  for (const ParameterDeclaration& declaration : model.declarations()) {
    if (apart(declaration)) {
      declaration.parameter->value = at::empty(declaration.shape, at::TensorOptions(at::kFloat).device(device));
      continue;
    }
    const std::int64_t count = element_count(declaration);
    declaration.parameter->value = storage.narrow(0, offset, count).view(declaration.shape).detach();
    offset += padded(count);
  }
  return storage;
}

RangeReader fresh_weights(const configs::ModelConfig& config, std::uint64_t seed) {
  return [range = config.initializer_range, seed](const ParameterDeclaration& declaration, const LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                                                  at::Tensor out) {
    const at::NoGradGuard no_gradients;
    const bool in_place = out.is_cpu() && out.scalar_type() == at::kFloat && out.is_contiguous();
    const at::Tensor host = in_place ? out : at::empty({end - begin}, at::kFloat);
    initial_values(declaration, tensor, range, seed, begin, end - begin, host.mutable_data_ptr<float>());
    if (!in_place) out.copy_(host);
  };
}

void initialise(CausalLM& model, std::uint64_t seed) {
  const at::NoGradGuard no_gradients;
  const RangeReader read = fresh_weights(model.config(), seed);
  for (const ParameterDeclaration& declaration : model.declarations()) {
    const at::Tensor flat = declaration.parameter->value.view({-1});
    for (const LogicalTensor& tensor : declaration.tensors) read(declaration, tensor, 0, tensor.count(), flat.narrow(0, tensor.offset, tensor.count()));
  }
}

}  // namespace phidias::models
