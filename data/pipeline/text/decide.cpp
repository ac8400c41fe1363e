#include "data/pipeline/text/decide.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

bool is_one_of(const std::vector<std::string>& values, const Annotations& annotations, std::string_view name) {
  if (const std::optional<std::string_view> text = annotations.text(name)) return std::ranges::find(values, *text) != values.end();
  const std::optional<double> number = annotations.number(name);
  return number && std::ranges::any_of(values, [&](const std::string& value) {
           if (value == "true") return *number == 1;
           if (value == "false") return *number == 0;
           double wanted = 0;
           const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), wanted);
           return error == std::errc() && end == value.data() + value.size() && wanted == *number;
         });
}

class Worker final : public DocumentWorker {
 public:
  explicit Worker(const std::vector<DecideRule>& rules) : rules_(rules) {}
  void process(Document& document) override {
    for (const DecideRule& rule : rules_) {
      if (!breaks(rule, document.annotations())) continue;
      return document.drop(rule.name.empty() ? rule.annotation : rule.name);
    }
  }

 private:
  const std::vector<DecideRule>& rules_;  // the stage's
};

}  // namespace

bool breaks(const DecideRule& rule, const Annotations& annotations) {
  const bool is_missing_broken = rule.missing == MissingAnnotation::drop;
  if (!annotations.has(rule.annotation)) return is_missing_broken;
  if (rule.minimum || rule.maximum) {
    const std::optional<double> number = annotations.number(rule.annotation);
    if (!number) return is_missing_broken;
    // Written so that NaN breaks the rule.
    if (rule.minimum && !(*number >= *rule.minimum)) return true;
    if (rule.maximum && !(*number <= *rule.maximum)) return true;
  }
  if (!rule.equals.empty() && !is_one_of(rule.equals, annotations, rule.annotation)) return true;
  return !rule.differs.empty() && is_one_of(rule.differs, annotations, rule.annotation);
}

Decide::Decide(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {
  if (config_.rules.empty()) throw ConfigError(name() + ".rules: there is none; a rule names an annotation and what it has to be");
  for (std::size_t i = 0; i < config_.rules.size(); ++i) {
    const DecideRule& rule = config_.rules[i];
    const std::string where = name() + ".rules[" + std::to_string(i) + "]";
    if (rule.annotation.empty()) throw ConfigError(where + ": annotation is missing");
    const bool asks = rule.minimum || rule.maximum || !rule.equals.empty() || !rule.differs.empty() || rule.missing == MissingAnnotation::drop;
    if (!asks) throw ConfigError(where + " (" + rule.annotation + ") asks for nothing: give minimum, maximum, equals, differs or missing: drop");
    if (rule.minimum && rule.maximum && *rule.minimum > *rule.maximum) throw ConfigError(where + " (" + rule.annotation + "): minimum is above maximum");
  }
}

std::unique_ptr<StageWorker> Decide::worker() const { return std::make_unique<Worker>(config_.rules); }

}  // namespace phidias::data::pipeline
