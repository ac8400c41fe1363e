#include "data/pipeline/knowledge/safety_score_stage.h"

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "data/line_blocks.h"

namespace phidias::data::pipeline {
namespace {

// The number at "a.b.c"; a member whose name has the dots itself comes first.
std::optional<double> number_at(const Json& object, std::string_view path) {
  if (!object.is_object()) return std::nullopt;
  if (const auto whole = object.find(std::string(path)); whole != object.end()) return whole->is_number() ? std::optional(whole->get<double>()) : std::nullopt;
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto inner = object.find(std::string(path.substr(0, dot)));
  return inner == object.end() ? std::nullopt : number_at(*inner, path.substr(dot + 1));
}

}  // namespace

class SafetyScoreWorker final : public DocumentWorker {
 public:
  explicit SafetyScoreWorker(const SafetyScoreStage& stage) : stage_(stage) {}

  void process(Document& document) override {
    const auto& config = stage_.config_;
    const std::optional<double> score = score_of(document);
    if (!score) {
      if (config.missing == MissingScore::stop)
        throw DataError(document.file + ":" + std::to_string(document.line) + ": the stage " + stage_.name() + " finds no score of the document '" +
                        document.id + "' (missing: keep or drop goes on)");
      if (config.missing == MissingScore::drop) document.drop("missing");
      return;
    }
    document.annotations().set(stage_.score_name_, *score);
    if (config.drop == DroppedSide::above && *score > config.threshold) document.drop("above");
    if (config.drop == DroppedSide::below && *score < config.threshold) document.drop("below");
  }

 private:
  std::optional<double> score_of(const Document& document) const {
    const auto& config = stage_.config_;
    if (!config.annotation.empty()) return document.annotations().number(config.annotation);
    if (!config.field.empty())
      return document.fields.empty() ? std::nullopt : number_at(Json::parse("{" + document.fields + "}", nullptr, false), config.field);
    const auto found = stage_.scores_.find(document.id);
    return found == stage_.scores_.end() ? std::nullopt : std::optional(found->second);
  }

  const SafetyScoreStage& stage_;
};

SafetyScoreStage::SafetyScoreStage(const Config& config, const StageSetup& setup) : Stage(setup), config_(config), score_name_(qualified("score")) {
  if (!config.annotation.empty() + !config.field.empty() + !config.file.empty() != 1)
    throw ConfigError(name() + ": exactly one of annotation, field and file says where the score comes from");
  if (!config.file.empty()) read_scores();
}

void SafetyScoreStage::read_scores() {
  LineBlocks blocks(config_.file, 4 << 20);
  while (const auto block = blocks.next()) {
    if (block->oversized_bytes > 0) throw DataError(config_.file + ":" + std::to_string(block->first_line) + ": the line is too long");
    for_each_line(*block, [&](std::int64_t line, std::string_view text) {
      const std::string where = config_.file + ":" + std::to_string(line);
      const Json record = parse_json(text, where);
      const auto score = number_at(record, config_.score_field);
      if (!record.is_object() || !record.contains(config_.id_field) || !record[config_.id_field].is_string())
        throw DataError(where + ": the text '" + config_.id_field + "' is missing");
      if (!score || !std::isfinite(*score)) throw DataError(where + ": the number '" + config_.score_field + "' is missing");
      if (!scores_.emplace(record[config_.id_field].get<std::string>(), *score).second)
        throw DataError(where + ": the id '" + record[config_.id_field].get<std::string>() + "' has a score already");
    });
  }
}

std::unique_ptr<StageWorker> SafetyScoreStage::worker() const { return std::make_unique<SafetyScoreWorker>(*this); }

std::vector<std::filesystem::path> SafetyScoreStage::resources() const {
  if (config_.file.empty()) return {};
  return {config_.file};
}

std::vector<std::pair<std::string, std::string>> SafetyScoreStage::notes() const {
  if (config_.file.empty()) return {};
  return {{"scores", std::to_string(scores_.size())}};
}

}  // namespace phidias::data::pipeline
