// Adapters on whole models against PEFT (tests/golden/lora, make_lora_goldens.py): logits, merged logits, ten steps of training.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "configs/presets.h"
#include "kernels/adamw.h"
#include "models/hub/merge.h"
#include "models/hub/peft.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

std::filesystem::path case_path(const std::string& name) { return std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/lora" / name; }

// A base and the case's adapter on it, not merged.
struct AdaptedModel {
  explicit AdaptedModel(const std::string& name, at::ScalarType dtype = at::kFloat)
      : base(base_directory(case_path(name))), adapter(case_path(name)), model(make_model(base.config())) {
    model->add_adapters(adapter.lora());
    storage = allocate(*model, dtype, at::kCPU);
    load_weights(base, *model);
    const RangeReader read = adapter_reader(adapter, *model);
    for (const ParameterDeclaration& declaration : model->declarations()) {
      if (!declaration.adapter) continue;
      const at::Tensor flat = declaration.parameter->value.view({-1});
      for (const LogicalTensor& tensor : declaration.tensors) read(declaration, tensor, 0, tensor.count(), flat.narrow(0, tensor.offset, tensor.count()));
    }
  }
  // As a LoRA run has it: adapters trainable, the rest frozen.
  void freeze_base() {
    for (const ParameterDeclaration& declaration : model->declarations()) {
      if (!declaration.adapter) continue;
      declaration.parameter->value.requires_grad_();
      declaration.parameter->gradient = at::zeros(declaration.shape, at::kFloat);
    }
  }
  ModelDirectory base;
  AdapterDirectory adapter;
  std::unique_ptr<CausalLM> model;
  at::Tensor storage;
};

at::Tensor logits(CausalLM& model, const std::vector<std::int32_t>& document, const ForwardOptions& options = {}) {
  const at::NoGradGuard no_gradients;
  const kernels::PackedBatch batch = kernels::to_device(pack({document}, model.config()), at::kCPU);
  return kernels::last_logits(model.forward(batch, options), model.head());
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) { return a.sub(b).abs().max().item<double>(); }

// Sum of the losses over `targets`, its gradients added to the parameters'.
double accumulate(CausalLM& model, const Documents& documents, const ForwardOptions& options = {}) {
  const data::MicroBatch host = pack(documents, model.config());
  const double targets = static_cast<double>(host.target_tokens);
  const kernels::PackedBatch batch = kernels::to_device(host, at::kCPU);
  const at::Tensor loss = kernels::next_token_loss(model.forward(batch, options), model.head(), batch.targets, 1.0 / targets);
  loss.backward();
  return loss.item<double>() / targets;
}

class LoraGolden : public testing::TestWithParam<std::string> {
 protected:
  const Json golden_ = read_json(case_path(GetParam()) / "golden.json");
  const SafetensorsFile tensors_{case_path(GetParam()) / "golden.tensors"};
  const Documents documents_ = golden_["documents"].get<Documents>();
};

// Logits of size ten and more, from float32 sums of some hundred products in another order.
constexpr double kLogits = 1e-4;

TEST_P(LoraGolden, LogitsWithAdaptersEqualPeft) {
  const AdaptedModel adapted(GetParam());
  for (std::size_t i = 0; i < documents_.size(); ++i)
    EXPECT_LT(largest_difference(logits(*adapted.model, documents_[i]), tensors_.tensor("logits." + std::to_string(i))), kLogits) << i;
}

TEST_P(LoraGolden, AnAdapterDirectoryLoadsMergedAndEqualsPeftsMerge) {
  const LoadedModel merged = load_model(case_path(GetParam()));
  const LoadedModel base = load_model(base_directory(case_path(GetParam())));
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    const at::Tensor expected = tensors_.tensor("merged_logits." + std::to_string(i));
    EXPECT_LT(largest_difference(logits(*merged.model, documents_[i]), expected), kLogits) << i;
    EXPECT_GT(largest_difference(logits(*base.model, documents_[i]), expected), 0.1) << i;
  }
}

TEST_P(LoraGolden, TenStepsOfAdamWEqualPefts) {
  AdaptedModel adapted(GetParam());
  adapted.freeze_base();
  std::vector<const ParameterDeclaration*> trained;
  std::vector<at::Tensor> averages, squares;
  for (const ParameterDeclaration& declaration : adapted.model->declarations()) {
    if (!declaration.adapter) continue;
    trained.push_back(&declaration);
    averages.push_back(at::zeros({declaration.parameter->value.numel()}));
    squares.push_back(at::zeros({declaration.parameter->value.numel()}));
  }
  const double rate = golden_["rate"], clip = golden_["clip"], decay = golden_["weight_decay"];
  for (std::size_t step = 0; step < golden_["losses"].size(); ++step) {
    const double loss = accumulate(*adapted.model, {documents_[2 * step % documents_.size()], documents_[(2 * step + 1) % documents_.size()]});
    EXPECT_NEAR(loss, golden_["losses"][step].get<double>(), 2e-5) << "step " << step;
    double squared = 0.0;
    for (const ParameterDeclaration* declaration : trained) squared += kernels::sum_of_squares(declaration->parameter->gradient.view({-1}));
    const double norm = std::sqrt(squared), expected_norm = golden_["gradient_norms"][step];
    EXPECT_NEAR(norm / expected_norm, 1.0, 1e-4) << "step " << step;
    const at::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < trained.size(); ++i) {
      at::Tensor value = trained[i]->parameter->value.view({-1}), none;
      kernels::adamw_(value, trained[i]->parameter->gradient.view({-1}), averages[i], squares[i], none,
                      {rate, 0.9, 0.95, 1e-8, decay, static_cast<std::int64_t>(step) + 1, std::min(1.0, clip / (norm + 1e-6))});
      trained[i]->parameter->has_gradient = false;
    }
  }
  for (const ParameterDeclaration* declaration : trained) {
    for (const LogicalTensor& tensor : declaration->tensors) {
      const at::Tensor value = declaration->parameter->value.view({-1}).narrow(0, tensor.offset, tensor.count()).view(tensor.shape);
      // Ten updates of size `rate`, each as exact as the gradient's direction.
      EXPECT_LT(largest_difference(value, tensors_.tensor("last.base_model.model." + tensor.name)), 1e-3 * rate * 10) << tensor.name;
    }
  }
}

TEST_P(LoraGolden, FrozenWeightsReceiveNothingAndAdaptersTheSameBitsUnderRecomputation) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    std::vector<at::Tensor> plain;
    for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
      AdaptedModel adapted(GetParam(), dtype);
      adapted.freeze_base();
      ForwardOptions options;
      options.recompute = recompute;
      accumulate(*adapted.model, documents_, options);
      std::size_t i = 0;
      for (const ParameterDeclaration& declaration : adapted.model->declarations()) {
        EXPECT_EQ(declaration.parameter->has_gradient, declaration.adapter) << declaration.name;
        if (!declaration.adapter) continue;
        EXPECT_EQ(declaration.parameter->value.scalar_type(), at::kFloat);
        EXPECT_GT(declaration.parameter->gradient.abs().sum().item<float>(), 0.0F) << declaration.name;
        if (recompute == Recompute::none) plain.push_back(declaration.parameter->gradient);
        EXPECT_TRUE(declaration.parameter->gradient.equal(plain.at(i++))) << declaration.name << " in " << c10::toString(dtype);
      }
    }
  }
}

TEST_P(LoraGolden, AnEmptyStreamGivesZeroGradients) {
  AdaptedModel adapted(GetParam());
  adapted.freeze_base();
  const kernels::PackedBatch batch = kernels::to_device({}, at::kCPU);
  kernels::next_token_loss(adapted.model->forward(batch, {}), adapted.model->head(), batch.targets, 1.0).backward();
  for (const ParameterDeclaration& declaration : adapted.model->declarations()) {
    if (!declaration.adapter) continue;
    EXPECT_TRUE(declaration.parameter->has_gradient) << declaration.name;
    EXPECT_EQ(declaration.parameter->gradient.abs().sum().item<float>(), 0.0F) << declaration.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, LoraGolden, testing::Values("all_linear", "rslora_two", "moe"), [](const auto& info) { return info.param; });

configs::LoraSection section(std::vector<std::string> targets) {
  configs::LoraSection result;
  result.rank = 16;
  result.alpha = 32.0;
  result.targets = std::move(targets);
  return result;
}

TEST(Lora, FreshAdaptersChangeNothingAndStartAsPeftDrawsThem) {
  GoldenCase golden("mha_window");
  const at::Tensor before = logits(golden.model(), golden.documents[0]);
  const auto model = make_model(golden.loaded.config);
  model->add_adapters(section({"all-linear"}));
  const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 1);
  for (const ParameterDeclaration& declaration : model->declarations()) {
    if (!declaration.adapter) continue;
    const double bound = declaration.parameter->value.abs().max().item<double>();
    if (declaration.name.find("lora_B") != std::string::npos) {
      EXPECT_EQ(bound, 0.0);
    } else {
      const double limit = 1.0 / std::sqrt(static_cast<double>(declaration.shape[1]));
      EXPECT_LE(bound, limit);
      EXPECT_GT(bound, 0.98 * limit);  // the largest of 512 draws: below it with probability 0.98^512 = 3e-5
    }
  }
  load_weights(ModelDirectory(golden.directory), *model);
  EXPECT_LT(largest_difference(logits(*model, golden.documents[0]), before), kLogits);
}

TEST(Lora, ALargeModelIsDeclaredWithoutMemoryAndCountsLikePeft) {
  const auto model = make_model(configs::read_preset("phi-3.5-mini"));
  model->add_adapters(section({"all-linear"}));
  std::int64_t count = 0;
  for (const LogicalTensor& tensor : all_adapter_tensors(*model)) count += tensor.count();
  // 32 layers of 16 * (in + out): qkv 3072 + 9216, o 3072 + 3072, gate_up 3072 + 16384, down 8192 + 3072.
  EXPECT_EQ(count, 32 * 16 * (12288 + 6144 + 19456 + 11264));
}

TEST(Lora, TargetsOfSplitProjectionsAreRefusedWithTheFusedNames) {
  const auto model = make_model(configs::read_preset("phi3-tiny"));
  try {
    model->add_adapters(section({"q_proj", "o_proj"}));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("qkv_proj, o_proj, gate_up_proj, down_proj"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace phidias::models
