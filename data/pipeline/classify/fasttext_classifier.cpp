#include "data/pipeline/classify/fasttext_classifier.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/pipeline/classify/fasttext_features.h"
#include "data/pipeline/classify/fasttext_file.h"
#include "data/pipeline/classify/fasttext_matrix.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kLabelPrefix = "__label__";

// fastText's logarithm.
float log_above_zero(float x) { return static_cast<float>(std::log(static_cast<double>(x) + 1e-5)); }

// What the tool prints of a probability.
float reported(float probability) { return std::min(1.0f, std::exp(log_above_zero(probability))); }

// fastText's sigmoid: 512 steps between -8 and 8.
class SigmoidTable {
 public:
  SigmoidTable() {
    for (int i = 0; i <= kSteps; ++i) {
      const float x = static_cast<float>(i * 2 * kLimit) / static_cast<float>(kSteps) - static_cast<float>(kLimit);
      values_[static_cast<std::size_t>(i)] = static_cast<float>(1.0 / (1.0 + static_cast<double>(std::exp(-x))));
    }
  }
  float operator()(float x) const {
    if (!(x >= -kLimit)) return 0.0f;  // also what is no number
    if (x > kLimit) return 1.0f;
    return values_[static_cast<std::size_t>((x + kLimit) * kSteps / kLimit / 2)];
  }

 private:
  static constexpr int kSteps = 512, kLimit = 8;
  std::array<float, kSteps + 1> values_{};
};

// Inner nodes of the label tree of hierarchical softmax, rarest labels deepest; node i < labels is a leaf, node labels + i has the output row i.
struct TreeNode {
  std::int32_t left = -1, right = -1;
};

std::vector<TreeNode> label_tree(const std::vector<std::int64_t>& counts) {
  const std::size_t labels = counts.size(), nodes = 2 * labels - 1;
  constexpr std::int64_t kNotBuilt = 1'000'000'000'000'000;  // more than any label's count
  std::vector<TreeNode> tree(nodes);
  std::vector<std::int64_t> weight(nodes, kNotBuilt);
  std::copy(counts.begin(), counts.end(), weight.begin());
  auto leaf = static_cast<std::int64_t>(labels) - 1;
  std::size_t node = labels;
  for (std::size_t i = labels; i < nodes; ++i) {
    const auto lighter = [&] {
      const bool takes_leaf = leaf >= 0 && weight[static_cast<std::size_t>(leaf)] < weight[node];
      return takes_leaf ? static_cast<std::size_t>(leaf--) : node++;
    };
    const std::size_t left = lighter(), right = lighter();
    tree[i] = {static_cast<std::int32_t>(left), static_cast<std::int32_t>(right)};
    weight[i] = weight[left] + weight[right];
  }
  return tree;
}

}  // namespace

struct FastTextClassifier::Model {
  FastTextLoss loss;
  std::vector<std::string> labels;
  FastTextFeatures features;
  FastTextMatrixTable input, output;
  SigmoidTable sigmoid;
  std::vector<TreeNode> tree;  // hierarchical softmax only

  Model(FastTextFile file, const std::string& name) : loss(file.loss), features(file), input(file.input, name), output(file.output, name) {
    for (const std::string_view label : file.labels) labels.emplace_back(label.starts_with(kLabelPrefix) ? label.substr(kLabelPrefix.size()) : label);
    if (loss == FastTextLoss::hierarchical_softmax) tree = label_tree(file.label_counts);
  }

  void softmax(std::vector<float>& scores) const {
    const float largest = *std::max_element(scores.begin(), scores.end());
    float sum = 0;
    for (float& score : scores) sum += score = static_cast<float>(std::exp(static_cast<double>(score - largest)));
    for (float& score : scores) score = reported(score / sum);
  }

  // Logarithms from the root down; a node stands behind its children.
  void walk_tree(const std::vector<float>& hidden, std::vector<float>& scores) const {
    scores.assign(tree.size(), 0.0f);
    for (std::size_t node = tree.size(); node-- > labels.size();) {
      const float logit = output.dot(node - labels.size(), hidden.data());
      const auto right = static_cast<float>(1.0 / static_cast<double>(1.0f + std::exp(-logit)));
      scores[static_cast<std::size_t>(tree[node].left)] = scores[node] + log_above_zero(static_cast<float>(1.0 - static_cast<double>(right)));
      scores[static_cast<std::size_t>(tree[node].right)] = scores[node] + log_above_zero(right);
    }
    scores.resize(labels.size());
    for (float& score : scores) score = std::min(1.0f, std::exp(score));
  }
};

FastTextClassifier::FastTextClassifier(std::unique_ptr<const Model> model) : model_(std::move(model)) {}
FastTextClassifier::FastTextClassifier(FastTextClassifier&&) noexcept = default;
FastTextClassifier& FastTextClassifier::operator=(FastTextClassifier&&) noexcept = default;
FastTextClassifier::~FastTextClassifier() = default;

FastTextClassifier FastTextClassifier::load(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse(file.text(), path.string());
}

FastTextClassifier FastTextClassifier::parse(std::string_view bytes, const std::string& name) {
  return FastTextClassifier(std::make_unique<const Model>(read_fasttext_file(bytes, name), name));
}

const std::vector<std::string>& FastTextClassifier::labels() const { return model_->labels; }

std::size_t FastTextClassifier::label_index(std::string_view label) const {
  const auto found = std::find(labels().begin(), labels().end(), label);
  if (found != labels().end()) return static_cast<std::size_t>(found - labels().begin());
  std::string known;
  for (std::size_t i = 0; i < std::min<std::size_t>(labels().size(), 12); ++i) known += (i == 0 ? "" : ", ") + labels()[i];
  if (labels().size() > 12) known += ", ...";
  throw ConfigError("the classifier has no label '" + std::string(label) + "'; it has " + known);
}

std::span<const float> FastTextClassifier::probabilities(std::string_view text, Scratch& scratch) const {
  const Model& model = *model_;
  model.features.rows(text, scratch.rows, scratch.hashes);
  scratch.output.assign(model.labels.size(), 0.0f);
  if (scratch.rows.empty()) return scratch.output;
  scratch.hidden.resize(model.input.columns());
  model.input.average(scratch.rows, scratch.hidden.data());
  if (model.loss == FastTextLoss::hierarchical_softmax) {
    model.walk_tree(scratch.hidden, scratch.output);
  } else {
    for (std::size_t i = 0; i < model.labels.size(); ++i) scratch.output[i] = model.output.dot(i, scratch.hidden.data());
    if (model.loss == FastTextLoss::softmax)
      model.softmax(scratch.output);
    else
      for (float& score : scratch.output) score = reported(model.sigmoid(score));
  }
  // Sums beyond float32's range: only forged weights make them.
  for (float& probability : scratch.output)
    if (!std::isfinite(probability)) probability = 0.0f;
  return scratch.output;
}

std::int64_t FastTextClassifier::memory_bytes() const { return model_->input.memory_bytes() + model_->output.memory_bytes(); }

}  // namespace phidias::data::pipeline
