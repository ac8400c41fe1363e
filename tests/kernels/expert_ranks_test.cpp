// The experts shared by ranks: outputs and gradients equal those of one rank that has all tokens; ranks and experts without tokens.
#include "kernels/expert_mlp.h"
#include "tests/kernels/expert_case.h"
#include "tests/support/mpi_test.h"

namespace phidias::kernels {
namespace {

using testing::ExpertCase;
using testing::ExpertResult;
using testing::kFloatTolerance;
using testing::make_frozen;
using testing::make_parameter;
using testing::relative_error;

ExpertRanks all_ranks() {
  parallel::World& world = mpi_test::world();
  return {&world.host(), &world.host(), world.rank(), world.size()};
}

struct Part {
  std::int64_t begin, count;
  at::Tensor of(const at::Tensor& t) const { return t.narrow(0, begin, count); }
};

// `begins`: the first token of each rank and the end.
Part own_part(const std::vector<std::int64_t>& begins) {
  const auto rank = static_cast<std::size_t>(mpi_test::world().rank());
  return {begins[rank], begins[rank + 1] - begins[rank]};
}

std::vector<std::int64_t> even_split(std::int64_t tokens) {
  const std::int64_t size = mpi_test::world().size();
  std::vector<std::int64_t> begins;
  for (std::int64_t r = 0; r <= size; ++r) begins.push_back(tokens * r / size);
  return begins;
}

// Everything goes to one rank.
std::vector<std::int64_t> lonely_split(std::int64_t tokens) {
  std::vector<std::int64_t> begins(static_cast<std::size_t>(mpi_test::world().size()) + 1, tokens);
  begins[0] = 0;
  return begins;
}

void expect_equals_one_rank(const ExpertCase& c, const std::vector<std::int64_t>& begins, at::ScalarType type, double tolerance) {
  const ExpertResult expected = run_case(c, type);
  const ExpertRanks ranks = all_ranks();
  const Part tokens = own_part(begins);
  const std::int64_t local = c.sizes.experts / ranks.size;
  const Part experts{ranks.rank * local, local};
  Parameter gate_up = make_parameter("gate_up", experts.of(c.gate_up).to(type)), down = make_parameter("down", experts.of(c.down).to(type));
  const at::Tensor x = tokens.of(c.x).to(type, false, true).requires_grad_(true), weights = tokens.of(c.weights).clone().requires_grad_(true);
  const at::Tensor y = expert_mlp(x, tokens.of(c.chosen), weights, {c.sizes.experts, &gate_up, &down, nullptr, ranks}, {});
  const auto gradients = torch::autograd::grad({y}, {x, weights}, {tokens.of(c.dy).to(type)});
  // Errors relative to the whole tensor's size: a part's own may be small.
  const auto close = [&](const at::Tensor& actual, const at::Tensor& all, const Part& part, const char* what) {
    const at::Tensor whole = all.clone();
    part.of(whole).copy_(actual.detach());
    EXPECT_LT(relative_error(whole, all), tolerance) << what;
  };
  close(y, expected.y, tokens, "y");
  close(gradients[0], expected.dx, tokens, "dx");
  close(gradients[1], expected.d_weights, tokens, "d weights");
  close(gate_up.gradient, expected.d_gate_up, experts, "d gate_up");
  close(down.gradient, expected.d_down, experts, "d down");
}

TEST(ExpertRanks, GiveWhatOneRankGives) {
  const ExpertCase c({101, 24, 20, 8});
  expect_equals_one_rank(c, even_split(101), at::kFloat, kFloatTolerance);
}

TEST(ExpertRanks, GiveWhatOneRankGivesInBFloat16) {
  const ExpertCase c({101, 24, 20, 8});
  expect_equals_one_rank(c, even_split(101), at::kBFloat16, 0.03);  // products of other row counts may round in another order
}

TEST(ExpertRanks, TakePartWithoutTokens) {
  const ExpertCase c({37, 24, 20, 8});
  expect_equals_one_rank(c, lonely_split(37), at::kFloat, kFloatTolerance);
}

TEST(ExpertRanks, TakePartWithoutExpertsInUse) {
  const ExpertCase c({37, 24, 20, 8}, /*used=*/2);  // with two ranks and more the last has nothing to compute
  expect_equals_one_rank(c, even_split(37), at::kFloat, kFloatTolerance);
}

TEST(ExpertRanks, HaveNoTokenAtAll) {
  const ExpertCase c({0, 24, 20, 8});
  expect_equals_one_rank(c, even_split(0), at::kFloat, kFloatTolerance);
}

TEST(ExpertRanks, DropTheSameElementsInAdaptersOnAnyRank) {
  const ExpertCase c({64, 24, 20, 8});
  const at::Tensor keys = testing::draw_keys_of(64);
  const auto run = [&](const Part& tokens, const Part& experts, const ExpertRanks& ranks) {
    Parameter gate_up = make_frozen("gate_up", experts.of(c.gate_up)), down = make_frozen("down", experts.of(c.down));
    Parameter a = make_parameter("a", experts.of(testing::random_tensor({8, 4, 24}, 41))),
              b = make_parameter("b", experts.of(testing::random_tensor({8, 20, 4}, 42)));
    Parameter down_a = make_parameter("a", experts.of(testing::random_tensor({8, 4, 20}, 43)));
    Parameter down_b = make_parameter("b", experts.of(testing::random_tensor({8, 24, 4}, 44)));
    ExpertLora lora;
    lora.gate_a = &a, lora.gate_b = &b, lora.down_a = &down_a, lora.down_b = &down_b;
    lora.dropout = 0.5;
    lora.site = draw_site(RandomSite::dropout, 1);
    const at::Tensor x = tokens.of(c.x).clone().requires_grad_(true);
    const at::Tensor y = expert_mlp(x, tokens.of(c.chosen), tokens.of(c.weights), {8, &gate_up, &down, &lora, ranks}, tokens.of(keys));
    const at::Tensor dx = torch::autograd::grad({y}, {x}, {tokens.of(c.dy)})[0];
    return std::vector<at::Tensor>{y.detach(), dx, a.gradient, down_b.gradient};
  };
  const ExpertRanks ranks = all_ranks();
  const Part tokens = own_part(even_split(64)), experts{ranks.rank * 8 / ranks.size, 8 / ranks.size};
  const auto one = run({0, 64}, {0, 8}, {}), shared = run(tokens, experts, ranks);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_LT(relative_error(shared[i], (i < 2 ? tokens : experts).of(one[i])), 3 * kFloatTolerance) << i;
}

}  // namespace
}  // namespace phidias::kernels
