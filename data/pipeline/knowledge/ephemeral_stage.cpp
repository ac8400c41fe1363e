#include "data/pipeline/knowledge/ephemeral_stage.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

// Calls take(passage) for consecutive pieces that make up the text: whole lines up to `words` words (counted by spaces), longer lines cut behind a space.
template <class Take>
void for_each_passage(std::string_view text, std::int64_t words, Take&& take) {
  std::size_t begin = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && text[i] != '\n') continue;
    ++count;
    const bool full = count >= words;
    if (full && (text[i] == '\n' || count >= 2 * words)) {
      take(text.substr(begin, i + 1 - begin));
      begin = i + 1;
      count = 0;
    }
  }
  if (begin < text.size()) take(text.substr(begin));
}

struct Passage {
  std::string_view text;
  std::int32_t words = 0;
  EphemeralScores scores;
  bool ephemeral = false;
  std::string_view topic;
};

}  // namespace

class EphemeralWorker final : public DocumentWorker {
 public:
  explicit EphemeralWorker(const EphemeralStage& stage) : stage_(stage) {}

  void process(Document& document) override {
    passages_.clear();
    feature_sums_.fill(0);
    const std::optional<DayNumber> fetched = fetch_day(document);
    for_each_passage(document.text(), stage_.config_.passage_words, [&](std::string_view text) { judge(text, fetched); });
    decide(document);
  }

 private:
  void judge(std::string_view text, std::optional<DayNumber> fetched) {
    read_ephemeral_features(text, features_);
    EphemeralScores scores = EphemeralModel::built_in().score(features_);
    if (stage_.durability_) scores.durability = mean_label(*stage_.durability_, text, scores.durability);
    if (stage_.teaching_) scores.teaching = mean_label(*stage_.teaching_, text, scores.teaching);
    const bool ephemeral = features_.words > 0 && is_ephemeral(features_, scores, stage_.config_.bounds, fetched);
    passages_.push_back({text, features_.words, scores, ephemeral, ephemeral ? ephemeral_topic(features_) : std::string_view()});
    for (std::size_t i = 0; i < kEphemeralFeatures; ++i) feature_sums_[i] += features_.values[i] * features_.words;
  }

  double mean_label(const EphemeralStage::Axis& axis, std::string_view text, double otherwise) {
    const auto probabilities = axis.classifier.probabilities(text, scratch_);
    double sum = 0, weighted = 0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      sum += static_cast<double>(probabilities[i]);
      weighted += static_cast<double>(probabilities[i]) * axis.values[i];
    }
    return sum > 0 ? weighted / sum : otherwise;
  }

  // The day in the document's date field. Only a text that looks like a day counts.
  std::optional<DayNumber> fetch_day(const Document& document) const {
    const std::string& field = stage_.config_.date_field;
    if (document.fields.empty() || field.empty() || document.fields.find('"' + field + '"') == std::string::npos) return std::nullopt;
    const Json fields = Json::parse("{" + document.fields + "}", nullptr, false);
    if (!fields.is_object() || !fields.contains(field) || !fields[field].is_string()) return std::nullopt;
    return parse_iso_day(fields[field].get<std::string>());
  }

  void decide(Document& document) {
    double words = 0, ephemeral_words = 0, durability = 0, teaching = 0, ephemeral_passages = 0;
    std::string_view topic;
    std::map<std::string_view, std::int64_t> words_of_topic;
    for (const Passage& passage : passages_) {
      words += passage.words;
      durability += passage.scores.durability * passage.words;
      teaching += passage.scores.teaching * passage.words;
      if (!passage.ephemeral) continue;
      ++ephemeral_passages;
      ephemeral_words += passage.words;
      const std::int64_t of_topic = words_of_topic[passage.topic] += passage.words;
      if (topic.empty() || of_topic > words_of_topic[topic]) topic = passage.topic;
    }
    const double divisor = std::max(words, 1.0), share = ephemeral_words / divisor;
    teaching /= divisor;
    Annotations& annotations = document.annotations();
    annotations.set(stage_.durability_name_, durability / divisor);
    annotations.set(stage_.teaching_name_, teaching);
    annotations.set(stage_.passages_name_, static_cast<double>(passages_.size()));
    annotations.set(stage_.ephemeral_passages_name_, ephemeral_passages);
    annotations.set(stage_.share_name_, share);
    annotations.set(stage_.url_name_, url_is_of_the_moment(document.url));
    if (!topic.empty()) annotations.set(stage_.topic_name_, topic);
    for (std::size_t i = 0; i < stage_.feature_names_.size(); ++i) annotations.set(stage_.feature_names_[i], feature_sums_[i] / divisor);

    if (topic.empty() || teaching >= stage_.config_.keep_teaching) return;
    if (stage_.config_.unit == EphemeralUnit::document) {
      if (share >= stage_.config_.minimum_share) document.drop(topic);
    } else {
      take_out(document, topic);
    }
  }

  void take_out(Document& document, std::string_view topic) const {
    std::string kept;
    for (const Passage& passage : passages_)
      if (!passage.ephemeral) kept += passage.text;
    if (kept.find_first_not_of(" \n\t\r") == std::string::npos) return document.drop(topic);
    document.set_text(std::move(kept));
  }

  const EphemeralStage& stage_;
  EphemeralFeatures features_;
  std::vector<Passage> passages_;
  std::array<double, kEphemeralFeatures> feature_sums_{};
  FastTextClassifier::Scratch scratch_;
};

EphemeralStage::EphemeralStage(const Config& config, const StageSetup& setup)
    : Stage(setup),
      config_(config),
      durability_name_(qualified("durability")),
      teaching_name_(qualified("teaching")),
      passages_name_(qualified("passages")),
      ephemeral_passages_name_(qualified("ephemeral_passages")),
      share_name_(qualified("ephemeral_share")),
      topic_name_(qualified("topic")),
      url_name_(qualified("url")) {
  if (!config.durability_model.empty()) durability_ = load_axis(config.durability_model);
  if (!config.teaching_model.empty()) teaching_ = load_axis(config.teaching_model);
  if (config.annotate_features)
    for (const std::string_view feature : ephemeral_feature_names()) feature_names_.push_back(qualified(feature));
}

EphemeralStage::Axis EphemeralStage::load_axis(const std::string& path) const {
  Axis axis{FastTextClassifier::load(path), {}};
  for (const std::string& label : axis.classifier.labels()) {
    if (label.size() != 1 || label[0] < '0' || label[0] > '5')
      throw ConfigError(name() + ": " + path + " has the label '" + label + "'; the labels of an axis are 0 to 5");
    axis.values.push_back(label[0] - '0');
  }
  return axis;
}

std::unique_ptr<StageWorker> EphemeralStage::worker() const { return std::make_unique<EphemeralWorker>(*this); }

std::vector<std::filesystem::path> EphemeralStage::resources() const {
  std::vector<std::filesystem::path> files;
  for (const std::string* path : {&config_.durability_model, &config_.teaching_model})
    if (!path->empty()) files.emplace_back(*path);
  return files;
}

}  // namespace phidias::data::pipeline
