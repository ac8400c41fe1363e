#include "models/initialise.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "configs/presets.h"
#include "models/hub/tensor_hash.h"

namespace phidias::models {
namespace {

ParameterDeclaration matrix(const std::string& name) {
  return {name, {300, 100}, Initialisation::normal, Placement::dense, true, nullptr, -1, 1.0, {{name, {300, 100}, 0}}};
}

std::vector<float> values(const std::string& name, std::uint64_t seed) {
  std::vector<float> out(30000);
  initial_values(matrix(name), matrix(name).tensors.at(0), 0.02, seed, 0, 30000, out.data());
  return out;
}

TEST(Initialise, ValuesAreNormalWithTheAskedDeviation) {
  const std::vector<float> drawn = values("a", 1);
  double sum = 0, squares = 0, fourth = 0;
  for (const double x : drawn) {
    sum += x / 0.02;
    squares += x * x / 4e-4;
    fourth += x * x * x * x / 1.6e-7;
  }
  // Five standard errors of 30000 draws: 1, sqrt(2), sqrt(96) over sqrt(30000).
  EXPECT_NEAR(sum / 30000, 0.0, 0.029);
  EXPECT_NEAR(squares / 30000, 1.0, 0.041);
  EXPECT_NEAR(fourth / 30000, 3.0, 0.29);
}

TEST(Initialise, SeedAndNameDecideTheNumbers) {
  EXPECT_EQ(values("a", 1), values("a", 1));
  EXPECT_NE(values("a", 1), values("a", 2));
  EXPECT_NE(values("a", 1), values("b", 1));
}

TEST(Initialise, AnyPartOfATensorCanBeMadeAlone) {
  const std::vector<float> whole = values("a", 5);
  for (const auto& [begin, count] : {std::pair(0, 1), std::pair(1, 2), std::pair(4095, 9001), std::pair(29997, 3)}) {
    std::vector<float> part(static_cast<std::size_t>(count));
    initial_values(matrix("a"), matrix("a").tensors.at(0), 0.02, 5, begin, count, part.data());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + begin)) << begin;
  }
}

TEST(Initialise, ThreadsDoNotChangeTheNumbers) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const std::vector<float> one = values("a", 7);
  at::set_num_threads(3);
  EXPECT_EQ(one, values("a", 7));
  at::set_num_threads(threads);
}

TEST(Initialise, ModelsOfASeedAreEqualAndNormsAreOnes) {
  const auto config = configs::read_preset("phi3-tiny");
  const auto first = make_model(config), second = make_model(config);
  const at::Tensor storage = allocate(*first, at::kFloat, at::kCPU), other = allocate(*second, at::kFloat, at::kCPU);
  initialise(*first, 11);
  initialise(*second, 11);
  for (std::size_t i = 0; i < first->declarations().size(); ++i) {
    const ParameterDeclaration& declaration = first->declarations()[i];
    EXPECT_TRUE(declaration.parameter->value.equal(second->declarations()[i].parameter->value)) << declaration.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(declaration.parameter->value.const_data_ptr()) % 64, 0U);
    if (declaration.initialisation == Initialisation::ones) {
      EXPECT_TRUE(declaration.parameter->value.eq(1).all().item<bool>());
    }
  }
}

TEST(TensorHash, ChunkHashesJoinToTheHashOfTheWhole) {
  std::vector<std::uint8_t> bytes(2 * kHashChunkBytes + 12345);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
  std::vector<Hash128> chunks = hash_chunks(bytes.data(), kHashChunkBytes);
  for (const Hash128& chunk : hash_chunks(bytes.data() + kHashChunkBytes, bytes.size() - kHashChunkBytes)) chunks.push_back(chunk);
  EXPECT_EQ(chunks.size(), 3U);
  EXPECT_EQ(join_chunk_hashes(chunks), hash_tensor_bytes(bytes.data(), bytes.size()));
  const Hash128 before = hash_tensor_bytes(bytes.data(), bytes.size());
  bytes[kHashChunkBytes] ^= 1;
  EXPECT_NE(before, hash_tensor_bytes(bytes.data(), bytes.size()));
}

}  // namespace
}  // namespace phidias::models
