#include "trainer/engine/unit_layout.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "configs/presets.h"

namespace phidias::trainer {
namespace {

using configs::Shard;

std::unique_ptr<models::CausalLM> tiny() { return models::make_model(configs::read_preset("phi3-tiny")); }

UnitOptions at_level(Shard shard, at::ScalarType dtype = at::kFloat) {
  UnitOptions options;
  options.shard = shard;
  options.dtype = dtype;
  return options;
}

TEST(UnitLayout, HoldsEveryParameterOnceWithoutOverlap) {
  const auto model = tiny();
  const UnitLayout layout(model->declarations(), at_level(Shard::parameters), {.dense = 3, .expert = 3});
  std::set<std::string> names;
  for (const Unit& unit : layout.units()) {
    std::int64_t end = 0;
    for (const UnitSlot& slot : unit.slots) {
      EXPECT_TRUE(names.insert(slot.declaration->name).second);
      EXPECT_EQ(slot.declaration->block, unit.block);
      EXPECT_GE(slot.offset, end);
      EXPECT_EQ(slot.offset % 32, 0);
      end = slot.offset + slot.count;
    }
    EXPECT_LE(end, unit.size);
    EXPECT_EQ(unit.size % (3 * 32), 0);
    EXPECT_EQ(unit.shard() * 3, unit.size);
  }
  EXPECT_EQ(names.size(), model->declarations().size());
}

TEST(UnitLayout, PutsDecayedParametersFirstAndLaterBlocksBeforeEarlierOnes) {
  const auto model = tiny();
  const UnitLayout layout(model->declarations(), at_level(Shard::none), {});
  int block = layout.head_block();
  for (const Unit& unit : layout.units()) {
    EXPECT_LE(unit.block, block);
    block = unit.block;
    for (const UnitSlot& slot : unit.slots) EXPECT_EQ(slot.declaration->matrix, slot.offset < unit.decayed) << slot.declaration->name;
  }
  EXPECT_EQ(layout.units().front().block, model->config().num_layers);
  EXPECT_EQ(layout.units().back().block, -1);
}

TEST(UnitLayout, AGroupOfOneRankOwnsWholeUnitsAtEveryLevel) {
  const auto model = tiny();
  const std::int64_t whole = UnitLayout(model->declarations(), at_level(Shard::none), {}).state_bytes().total();
  for (const Shard shard : {Shard::optimizer, Shard::gradients, Shard::parameters}) {
    const UnitLayout layout(model->declarations(), at_level(shard), {});
    EXPECT_EQ(layout.state_bytes().total(), whole);
    for (const Unit& unit : layout.units()) EXPECT_EQ(unit.level, Shard::none);
  }
}

TEST(UnitLayout, CountsTheBytesOfEachLevel) {
  const auto model = tiny();
  const auto bytes = [&](Shard shard, int ranks) {
    return UnitLayout(model->declarations(), at_level(shard, at::kBFloat16), {.dense = ranks, .expert = ranks}).state_bytes();
  };
  // bfloat16 values 2, float32 gradients 4, masters 4, moments 8 bytes per element; padding to four ranks is part of every size here.
  const std::int64_t elements = bytes(Shard::optimizer, 4).values / 2;
  const StateBytes none = bytes(Shard::none, 4);
  EXPECT_LE(none.values, 2 * elements);
  EXPECT_EQ(none.total(), 9 * none.values);
  const StateBytes optimizer = bytes(Shard::optimizer, 4);
  EXPECT_EQ(optimizer.gradients, 4 * elements);
  EXPECT_EQ(optimizer.masters, elements);
  EXPECT_EQ(optimizer.moments, 2 * elements);
  EXPECT_EQ(optimizer.gradient_buffers, 0);
  const StateBytes gradients = bytes(Shard::gradients, 4);
  EXPECT_EQ(gradients.values, 2 * elements);
  EXPECT_EQ(gradients.gradients, elements);
  EXPECT_GT(gradients.gradient_buffers, 0);
  EXPECT_EQ(gradients.value_buffers, 0);
  const StateBytes parameters = bytes(Shard::parameters, 4);
  EXPECT_EQ(parameters.values, elements / 2);
  EXPECT_GT(parameters.value_buffers, 0);
}

TEST(UnitLayout, FrozenUnitsHaveValuesAloneAndAreShardedWithTheParameters) {
  const auto model = tiny();
  for (const Shard shard : {Shard::gradients, Shard::parameters}) {
    UnitOptions options = at_level(shard);
    options.trainable = {"*self_attn*"};
    const UnitLayout layout(model->declarations(), options, {.dense = 2, .expert = 2});
    bool seen_frozen = false;
    for (const Unit& unit : layout.units()) {
      EXPECT_FALSE(seen_frozen && unit.trainable) << "frozen units come last";
      seen_frozen = seen_frozen || !unit.trainable;
      EXPECT_EQ(unit.ranks, unit.trainable || shard == Shard::parameters ? 2 : 1);
      for (const UnitSlot& slot : unit.slots) EXPECT_EQ(unit.trainable, slot.declaration->name.find("self_attn") != std::string::npos);
    }
    EXPECT_TRUE(seen_frozen);
  }
}

// Declarations made by hand: a stack of two experts, and an adapter beside it.
struct HandMade {
  kernels::Parameter storage[3];
  std::vector<models::ParameterDeclaration> declarations;
  HandMade() {
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, models::Placement placement) {
      models::ParameterDeclaration declaration;
      declaration.name = name;
      declaration.shape = std::move(shape);
      declaration.placement = placement;
      declaration.block = 0;
      declaration.parameter = &storage[declarations.size()];
      declaration.tensors = {{name, declaration.shape, 0}};
      declarations.push_back(declaration);
    };
    add("gate", {4, 8}, models::Placement::dense);
    add("experts", {2, 8, 8}, models::Placement::expert);
    declarations.back().tensors = {{"experts.0.w", {8, 8}, 0}, {"experts.1.w", {8, 8}, 64}};
    add("gate.lora_A", {2, 8}, models::Placement::dense);
    declarations.back().adapter = true;
  }
};

TEST(UnitLayout, ExpertsAreShardedOverTheirReplicas) {
  HandMade model;
  model.declarations.pop_back();
  const UnitLayout layout(model.declarations, at_level(Shard::parameters), {.dense = 8, .expert = 2});
  for (const Unit& unit : layout.units()) EXPECT_EQ(unit.ranks, unit.placement == models::Placement::expert ? 2 : 8);
  const UnitLayout alone(model.declarations, at_level(Shard::parameters), {.dense = 8, .expert = 1});
  for (const Unit& unit : alone.units()) EXPECT_EQ(unit.values_sharded(), unit.placement == models::Placement::dense);
}

TEST(UnitLayout, AnAdapterFreezesItsBaseAndIsFloat32) {
  HandMade model;
  const UnitLayout layout(model.declarations, at_level(Shard::none, at::kBFloat16), {});
  for (const Unit& unit : layout.units()) {
    EXPECT_EQ(unit.trainable, unit.slots[0].declaration->adapter);
    EXPECT_EQ(unit.dtype, unit.trainable ? at::kFloat : at::kBFloat16);
  }
  UnitOptions with_gate = at_level(Shard::none);
  with_gate.trainable = {"gate"};
  std::int64_t trainable = 0;
  const UnitLayout both(model.declarations, with_gate, {});
  for (const Unit& unit : both.units()) trainable += unit.trainable ? static_cast<std::int64_t>(unit.slots.size()) : 0;
  EXPECT_EQ(trainable, 2);
}

TEST(UnitLayout, RefusesPatternsThatMatchNothingOrPartOfAStorage) {
  HandMade model;
  UnitOptions options;
  options.trainable = {"*nothing*"};
  EXPECT_THROW(UnitLayout(model.declarations, options, {}), ConfigError);
  options.trainable = {"experts.1.w"};
  EXPECT_THROW(UnitLayout(model.declarations, options, {}), ConfigError);
  options.trainable = {"experts.?.w"};
  EXPECT_NO_THROW(UnitLayout(model.declarations, options, {}));
}

TEST(UnitLayout, OfFourteenBillionParametersNeedsNoMemory) {
  const auto model = models::make_model(configs::read_preset("phi-3-medium-4k"));
  const UnitLayout layout(model->declarations(), at_level(Shard::parameters, at::kBFloat16), {.dense = 8, .expert = 8});
  const StateBytes bytes = layout.state_bytes();
  // 13,960,238,080 parameters; per parameter 2 bytes of value and 16 of gradient, master and moments over eight ranks; padding is less than 0.1 %.
  const double expected = 13960238080.0 * 18 / 8;
  EXPECT_NEAR(static_cast<double>(bytes.total() - bytes.value_buffers - bytes.gradient_buffers), expected, 1e-3 * expected);
}

}  // namespace
}  // namespace phidias::trainer
