#include "data/pipeline/classify/classifier_description.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

ScoreKind score_kind_from(const std::string& name) {
  const auto& names = configs::enum_names<ScoreKind>;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw DataError("\"score\" is '" + name + "', not one of auto, label, expected, best");
  return static_cast<ScoreKind>(found - names.begin());
}

IsotonicTable read_curve(const Json& json) {
  IsotonicTable curve{json.at("scores").get<std::vector<double>>(), json.at("values").get<std::vector<double>>()};
  const auto finite = [](double value) { return std::isfinite(value); };
  const bool fits = curve.scores.size() == curve.values.size() && std::all_of(curve.scores.begin(), curve.scores.end(), finite) &&
                    std::all_of(curve.values.begin(), curve.values.end(), finite) && std::is_sorted(curve.values.begin(), curve.values.end()) &&
                    std::adjacent_find(curve.scores.begin(), curve.scores.end(), std::greater_equal<>()) == curve.scores.end();
  if (!fits) throw DataError("\"calibration\" is no rising curve of equally many \"scores\" and \"values\"");
  return curve;
}

}  // namespace

ClassifierDescription read_classifier_description(const std::filesystem::path& path) {
  const Json json = read_json(path);
  ClassifierDescription description;
  try {
    if (!json.is_object()) throw DataError("not an object");
    description.score = score_kind_from(json.value("score", std::string("auto")));
    description.label = json.value("label", std::string());
    if (const auto preparation = json.find("preparation"); preparation != json.end()) {
      description.preparation.lower_case = preparation->value("lower_case", false);
      description.preparation.split_punctuation = preparation->value("split_punctuation", false);
    }
    if (const auto curve = json.find("calibration"); curve != json.end() && !curve->is_null()) description.calibration = read_curve(*curve);
  } catch (const Json::exception& error) {
    throw DataError(path.string() + ": not a description of a classifier (" + error.what() + ")");
  } catch (const DataError& error) {
    throw DataError(path.string() + ": not a description of a classifier: " + error.what());
  }
  return description;
}

void describe_classifier(const ClassifierDescription& description, OrderedJson& json) {
  json["score"] = configs::enum_name(description.score);
  json["label"] = description.label;
  json["preparation"] = {{"lower_case", description.preparation.lower_case}, {"split_punctuation", description.preparation.split_punctuation}};
  json["calibration"] = nullptr;
  if (!description.calibration.empty()) json["calibration"] = {{"scores", description.calibration.scores}, {"values", description.calibration.values}};
}

bool label_number(const std::string& label, double& number) {
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
  return error == std::errc() && end == label.data() + label.size() && std::isfinite(number);
}

ScoreRule::ScoreRule(ScoreKind kind, const std::string& label, const FastTextClassifier& model) : kind_(kind), label_(label), numbers_(model.labels().size()) {
  std::string no_number;
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    if (!label_number(model.labels()[i], numbers_[i])) no_number = model.labels()[i];
  if (kind_ == ScoreKind::automatic) kind_ = !label_.empty() ? ScoreKind::label : no_number.empty() ? ScoreKind::expected : ScoreKind::best;
  if (kind_ == ScoreKind::label) {
    if (label_.empty())
      throw ConfigError("label: give the label whose probability is the score (the classifier has '" + model.labels().front() + "' among others)");
    index_ = model.label_index(label_);
    return;
  }
  label_.clear();
  if (kind_ == ScoreKind::expected && !no_number.empty())
    throw ConfigError("score: expected needs labels that are numbers; the classifier has the label '" + no_number + "'");
}

double ScoreRule::operator()(const float* probabilities) const {
  if (kind_ == ScoreKind::label) return static_cast<double>(probabilities[index_]);
  if (kind_ == ScoreKind::best) return static_cast<double>(*std::max_element(probabilities, probabilities + numbers_.size()));
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < numbers_.size(); ++i) sum += static_cast<double>(probabilities[i]) * numbers_[i], total += static_cast<double>(probabilities[i]);
  return total > 0 ? sum / total : 0;  // one-versus-all probabilities need not add up to 1
}

}  // namespace phidias::data::pipeline
