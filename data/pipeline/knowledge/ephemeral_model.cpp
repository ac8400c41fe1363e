#include "data/pipeline/knowledge/ephemeral_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "data/line_blocks.h"
#include "data/pipeline/knowledge/embedded_models.h"

namespace phidias::data::pipeline {
namespace {

using Weights = EphemeralModel::Weights;
constexpr std::size_t kUnknowns = kEphemeralFeatures + 1;
using Matrix = std::array<std::array<double, kUnknowns>, kUnknowns>;

double evidence(const Weights& weights, const EphemeralFeatures& features) {
  double sum = weights[kEphemeralFeatures];
  for (std::size_t i = 0; i < kEphemeralFeatures; ++i) sum += weights[i] * features.values[i];
  return sum;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Solves a x = b in place (b becomes x); a is symmetric and positive definite (Cholesky).
void solve(Matrix& a, Weights& b) {
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(sum) : sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = kUnknowns; i-- > 0;) {
    for (std::size_t k = i + 1; k < kUnknowns; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

// Newton's method on the penalised cross-entropy between target / 5 and the sigmoid.
Weights fit(std::span<const EphemeralFeatures> rows, std::span<const double> targets, double penalty) {
  Weights weights{};
  for (int round = 0; round < 25; ++round) {
    Matrix curvature{};
    Weights gradient{};
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      const double strength = i == kEphemeralFeatures ? 1e-6 : penalty;
      curvature[i][i] = strength;
      gradient[i] = -strength * weights[i];
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const double p = sigmoid(evidence(weights, rows[row])), error = targets[row] / 5 - p, slope = p * (1 - p);
      const auto value = [&](std::size_t i) { return i == kEphemeralFeatures ? 1.0 : rows[row].values[i]; };
      for (std::size_t i = 0; i < kUnknowns; ++i) {
        gradient[i] += error * value(i);
        for (std::size_t j = 0; j <= i; ++j) curvature[i][j] += slope * value(i) * value(j);
      }
    }
    solve(curvature, gradient);
    double change = 0;
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      weights[i] += gradient[i];
      change = std::max(change, std::abs(gradient[i]));
    }
    if (change < 1e-10) break;
  }
  return weights;
}

}  // namespace

const EphemeralModel& EphemeralModel::built_in() {
  static const EphemeralModel model = parse(embedded_ephemeral_model(), "the program's model of ephemeral knowledge");
  return model;
}

EphemeralModel EphemeralModel::parse(std::string_view text, const std::string& name) {
  std::istringstream lines{std::string(text)};
  EphemeralModel model;
  const auto& names = ephemeral_feature_names();
  for (std::size_t i = 0; i <= kEphemeralFeatures; ++i) {
    const std::size_t place = i == 0 ? kEphemeralFeatures : i - 1;  // the bias comes first
    const std::string_view expected = i == 0 ? "bias" : names[place];
    std::string found;
    if (!(lines >> found >> model.durability[place] >> model.teaching[place]) || found != expected)
      throw DataError(name + ": line " + std::to_string(i + 1) + " is not '" + std::string(expected) + "' and two numbers");
  }
  return model;
}

std::string EphemeralModel::text() const {
  std::string text;
  const auto& names = ephemeral_feature_names();
  for (std::size_t i = 0; i <= kEphemeralFeatures; ++i) {
    const std::size_t place = i == 0 ? kEphemeralFeatures : i - 1;
    char line[96];
    std::snprintf(line, sizeof line, "%s %.5f %.5f\n", i == 0 ? "bias" : std::string(names[place]).c_str(), durability[place], teaching[place]);
    text += line;
  }
  return text;
}

EphemeralScores EphemeralModel::score(const EphemeralFeatures& features) const {
  return {5 * sigmoid(evidence(durability, features)), 5 * sigmoid(evidence(teaching, features))};
}

std::vector<LabelledPassage> read_labelled_passages(const std::string& path) {
  std::vector<LabelledPassage> passages;
  LineBlocks blocks(path, 1 << 20);
  while (const auto block = blocks.next()) {
    for_each_line(*block, [&](std::int64_t line, std::string_view text) {
      const std::string where = path + ":" + std::to_string(line);
      const Json record = parse_json(text, where);
      const auto text_of = [&](const char* key) {
        return record.is_object() && record.contains(key) && record[key].is_string() ? record[key].get<std::string>() : "";
      };
      const auto label = [&](const char* key) {
        const double value = record.is_object() && record.contains(key) && record[key].is_number() ? record[key].get<double>() : -1;
        if (!(value >= 0 && value <= 5)) throw DataError(where + ": '" + key + "' is not a number from 0 to 5");
        return value;
      };
      passages.push_back({text_of("text"), text_of("topic"), text_of("template"), label("durability"), label("teaching")});
      if (passages.back().text.empty()) throw DataError(where + ": 'text' is missing or empty");
    });
  }
  return passages;
}

EphemeralModel train_ephemeral_model(std::span<const LabelledPassage> passages, double penalty) {
  std::vector<EphemeralFeatures> rows(passages.size());
  std::vector<double> durability, teaching;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    read_ephemeral_features(passages[i].text, rows[i]);
    durability.push_back(passages[i].durability);
    teaching.push_back(passages[i].teaching);
  }
  return {fit(rows, durability, penalty), fit(rows, teaching, penalty)};
}

}  // namespace phidias::data::pipeline
