#include "trainer/scoring/embedding_head.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/std.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/philox.h"
#include "data/json_objects.h"
#include "models/hub/safetensors.h"

namespace phidias::trainer {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEps = 1e-8;

struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<float> labels;
  std::vector<std::int64_t> train, validation;  // indices
};

LabelledTexts read_texts(const HeadSettings& settings) {
  LabelledTexts read;
  for (const std::string& input : settings.input)
    for (const std::string& file : data::json_files(input))
      data::for_each_json_object(file, [&](const data::JsonObject& object) {
        const auto text = data::text_at(object.value, settings.text_field);
        const auto label = data::number_at(object.value, settings.label_field);
        if (!text || !label) throw DataError(object.where + ": needs a text in '" + settings.text_field + "' and a number in '" + settings.label_field + "'");
        const auto index = static_cast<std::int64_t>(read.texts.size());
        const bool held_out = static_cast<double>(hash_string(*text).low >> 11) * 0x1p-53 < settings.validation;
        (held_out ? read.validation : read.train).push_back(index);
        read.texts.push_back(*text);
        read.labels.push_back(static_cast<float>(*label));
      });
  if (read.train.size() < 2) throw DataError("there are " + std::to_string(read.train.size()) + " texts to train a head on: give at least 2");
  return read;
}

at::Tensor embed_all(const std::vector<std::string>& texts, const data::pipeline::Embedder& encoder) {
  constexpr std::size_t kTogether = 256;
  at::Tensor all = at::empty({static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(encoder.dimension())}, at::kFloat);
  for (std::size_t begin = 0; begin < texts.size(); begin += kTogether) {
    const std::vector<std::string_view> part(texts.begin() + static_cast<std::ptrdiff_t>(begin),
                                             texts.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kTogether, texts.size())));
    const std::vector<float> rows = encoder.embed(part);
    std::copy(rows.begin(), rows.end(), all.mutable_data_ptr<float>() + begin * encoder.dimension());
  }
  return all;
}

at::Tensor indices_of(const std::vector<std::int64_t>& list) { return at::tensor(list, at::kLong); }

// A parameter with AdamW's moments.
struct Trained {
  at::Tensor value, mean, square;
  explicit Trained(at::Tensor initial) : value(std::move(initial)), mean(at::zeros_like(value)), square(at::zeros_like(value)) {}
  void update(const at::Tensor& gradient, const HeadSettings& settings, std::int64_t step) {
    value.mul_(1 - settings.learning_rate * settings.weight_decay);
    mean.mul_(kBeta1).add_(gradient, 1 - kBeta1);
    square.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    const double first = 1 - std::pow(kBeta1, static_cast<double>(step)), second = std::sqrt(1 - std::pow(kBeta2, static_cast<double>(step)));
    value.addcdiv_(mean, square.sqrt().div_(second).add_(kEps), -settings.learning_rate / first);
  }
};

at::Tensor drawn(std::int64_t rows, std::int64_t columns, std::uint64_t seed, std::uint64_t which) {
  at::Tensor values = at::empty({rows, columns}, at::kFloat);
  const PhiloxKey key = philox_key(seed, RandomSite::weight_init, which);
  const float scale = 1.0f / std::sqrt(static_cast<float>(columns));
  for (std::int64_t i = 0; i < rows * columns; ++i) values.mutable_data_ptr<float>()[i] = scale * philox_normal(key, static_cast<std::uint64_t>(i));
  return values;
}

}  // namespace

class HeadTraining {
 public:
  HeadTraining(const HeadSettings& settings, at::Tensor embeddings, at::Tensor labels, const LabelledTexts& texts)
      : settings_(settings), embeddings_(std::move(embeddings)), labels_(std::move(labels)), texts_(texts) {
    const at::Tensor train = embeddings_.index_select(0, indices_of(texts.train));
    head_.encoder_ = settings.model;
    head_.max_tokens_ = settings.max_tokens;
    head_.mean_ = train.mean(0);
    head_.deviation_ = train.std(0, false).clamp_min(1e-6);
    const auto seed = static_cast<std::uint64_t>(settings.seed);
    const std::int64_t features = embeddings_.size(1), units = settings.hidden_units;
    if (units > 0) {
      parameters_.emplace_back(drawn(units, features, seed, 0));
      parameters_.emplace_back(at::zeros({units}, at::kFloat));
    }
    parameters_.emplace_back(units > 0 ? drawn(1, units, seed, 1) : at::zeros({1, features}, at::kFloat));
    parameters_.emplace_back(labels_.index_select(0, indices_of(texts.train)).mean().reshape({1}));
    bind();
  }

  HeadReport run(TrainedHead& best) {
    const std::vector<std::int64_t>& measured = texts_.validation.empty() ? texts_.train : texts_.validation;
    HeadReport report{.train = static_cast<std::int64_t>(texts_.train.size()), .validation = static_cast<std::int64_t>(texts_.validation.size())};
    report.mean_squared_error = std::numeric_limits<double>::infinity();
    for (std::int64_t epoch = 0; epoch < settings_.epochs; ++epoch) {
      train_epoch(epoch);
      HeadReport now = report;
      measure(measured, now);
      if (!(now.mean_squared_error < report.mean_squared_error)) continue;  // also a diverged epoch
      report = now;
      report.best_epoch = epoch + 1;
      best = head_;
      for (at::Tensor* tensor : {&best.hidden_weight_, &best.hidden_bias_, &best.weight_, &best.bias_})
        if (tensor->defined()) *tensor = tensor->clone();
    }
    return report;
  }

  static void save(const TrainedHead& head, const HeadSettings& settings, const HeadReport& report) {
    const std::filesystem::path folder = settings.output;
    std::filesystem::create_directories(folder);
    std::vector<models::TensorToWrite> tensors;
    const auto add = [&](const char* name, const at::Tensor& tensor) {
      if (tensor.defined()) tensors.push_back(models::tensor_to_write(name, tensor.contiguous()));
    };
    add("mean", head.mean_);
    add("deviation", head.deviation_);
    add("hidden.weight", head.hidden_weight_);
    add("hidden.bias", head.hidden_bias_);
    add("score.weight", head.weight_);
    add("score.bias", head.bias_);
    models::write_safetensors(folder / "head.safetensors", tensors);
    const OrderedJson described = {{"format", "phidias-head-1"},
                                   {"encoder", head.encoder_},
                                   {"max_tokens", head.max_tokens_},
                                   {"hidden_units", settings.hidden_units},
                                   {"texts", {{"train", report.train}, {"validation", report.validation}}},
                                   {"best_epoch", report.best_epoch},
                                   {"mean_squared_error", report.mean_squared_error},
                                   {"variance", report.variance},
                                   {"f1", report.f1},
                                   {"accuracy", report.accuracy},
                                   {"threshold", settings.threshold}};
    write_file_atomic(folder / "head.json", described.dump(1) + "\n");
  }

 private:
  void bind() {
    const std::size_t last = parameters_.size() - 2;
    if (last > 0) {
      head_.hidden_weight_ = parameters_[0].value;
      head_.hidden_bias_ = parameters_[1].value;
    }
    head_.weight_ = parameters_[last].value;
    head_.bias_ = parameters_[last + 1].value;
  }

  void train_epoch(std::int64_t epoch) {
    const auto count = static_cast<std::uint64_t>(texts_.train.size());
    const PhiloxKey order = philox_key(static_cast<std::uint64_t>(settings_.seed), RandomSite::shuffle, static_cast<std::uint64_t>(epoch));
    for (std::uint64_t begin = 0; begin < count; begin += static_cast<std::uint64_t>(settings_.batch)) {
      std::vector<std::int64_t> batch;
      for (std::uint64_t i = begin; i < std::min(begin + static_cast<std::uint64_t>(settings_.batch), count); ++i)
        batch.push_back(texts_.train[static_cast<std::size_t>(philox_permute(order, count, i))]);
      train_batch(indices_of(batch));
    }
  }

  // Mean squared error and its gradients, written out.
  void train_batch(const at::Tensor& indices) {
    const at::Tensor z = (embeddings_.index_select(0, indices) - head_.mean_) / head_.deviation_, target = labels_.index_select(0, indices);
    ++step_;
    const std::size_t last = parameters_.size() - 2;
    at::Tensor before, hidden = z;
    if (last > 0) {
      before = at::addmm(head_.hidden_bias_, z, head_.hidden_weight_.t());
      hidden = at::gelu(before);
    }
    const at::Tensor scores = at::addmm(head_.bias_, hidden, head_.weight_.t());  // [n, 1]
    const at::Tensor slope = (scores - target.unsqueeze(1)) * (2.0 / static_cast<double>(target.numel()));
    std::vector<at::Tensor> gradients;
    if (last > 0) {
      const at::Tensor inner = at::gelu_backward(at::matmul(slope, head_.weight_), before);
      gradients = {at::matmul(inner.t(), z), inner.sum(0)};
    }
    gradients.push_back(at::matmul(slope.t(), hidden));
    gradients.push_back(slope.sum(0));
    for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].update(gradients[i], settings_, step_);
  }

  void measure(const std::vector<std::int64_t>& list, HeadReport& report) const {
    const at::Tensor indices = indices_of(list), scores = head_.score(embeddings_.index_select(0, indices)), target = labels_.index_select(0, indices);
    report.mean_squared_error = (scores - target).square().mean().item<double>();
    report.variance = (target - target.mean()).square().mean().item<double>();
    const at::Tensor said = scores.ge(settings_.threshold), good = target.ge(settings_.threshold);
    const double hits = said.logical_and(good).sum().item<double>(), wrong = said.ne(good).sum().item<double>();
    report.f1 = hits > 0 ? 2 * hits / (2 * hits + wrong) : 0;
    report.accuracy = 1 - wrong / static_cast<double>(list.size());
  }

  const HeadSettings& settings_;
  at::Tensor embeddings_, labels_;
  const LabelledTexts& texts_;
  std::vector<Trained> parameters_;
  TrainedHead head_;
  std::int64_t step_ = 0;
};

TrainedHead TrainedHead::load(const std::filesystem::path& directory) {
  const Json described = read_json(directory / "head.json");
  if (described.value("format", "") != "phidias-head-1") throw CheckpointError((directory / "head.json").string() + ": not a head of this program");
  const models::SafetensorsFile file(directory / "head.safetensors");
  TrainedHead head;
  head.encoder_ = described.value("encoder", "");
  head.max_tokens_ = described.value("max_tokens", 0);
  const auto read = [&](const char* name) { return file.tensor(name).to(at::kFloat).clone(); };
  head.mean_ = read("mean");
  head.deviation_ = read("deviation");
  head.weight_ = read("score.weight");
  head.bias_ = read("score.bias");
  if (file.find("hidden.weight") != nullptr) {
    head.hidden_weight_ = read("hidden.weight");
    head.hidden_bias_ = read("hidden.bias");
  }
  const at::Tensor& first = head.hidden_weight_.defined() ? head.hidden_weight_ : head.weight_;
  if (head.encoder_.empty() || first.dim() != 2 || first.size(1) != head.mean_.numel() || head.deviation_.numel() != head.mean_.numel())
    throw CheckpointError(directory.string() + ": the tensors of the head do not fit together");
  return head;
}

at::Tensor TrainedHead::score(const at::Tensor& embeddings) const {
  at::Tensor z = (embeddings - mean_) / deviation_;
  if (hidden_weight_.defined()) z = at::gelu(at::addmm(hidden_bias_, z, hidden_weight_.t()));
  return at::addmm(bias_, z, weight_.t()).squeeze(1);
}

HeadReport train_head(const HeadSettings& settings, const data::pipeline::Embedder& encoder) {
  at::set_num_threads(1);
  const LabelledTexts texts = read_texts(settings);
  const at::Tensor embeddings = embed_all(texts.texts, encoder), labels = at::tensor(texts.labels, at::kFloat);
  TrainedHead head;
  const HeadReport report = HeadTraining(settings, embeddings, labels, texts).run(head);
  HeadTraining::save(head, settings, report);
  return report;
}

}  // namespace phidias::trainer
