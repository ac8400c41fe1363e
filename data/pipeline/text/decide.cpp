#include "data/pipeline/text/decide.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/log.h"

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
  Worker(const std::vector<DecideRule>& rules, Decide::RuleUse* uses) : rules_(rules), uses_(uses) {}
  void process(Document& document) override {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const DecideRule& rule = rules_[i];
      const RuleOutcome outcome = outcome_of(rule, document.annotations());
      note_use(uses_[i], outcome);
      const std::string& reason = rule.name.empty() ? rule.annotation : rule.name;
      if (outcome == RuleOutcome::broken) return document.drop(reason);
      if (outcome == RuleOutcome::missing && rule.missing == MissingAnnotation::drop) return document.drop(reason + "_missing");
    }
  }

 private:
  // Reads only, once a document had the annotation.
  static void note_use(Decide::RuleUse& use, RuleOutcome outcome) {
    if (use.found.load(std::memory_order_relaxed)) return;
    if (outcome != RuleOutcome::missing)
      use.found.store(true, std::memory_order_relaxed);
    else
      use.missing.fetch_add(1, std::memory_order_relaxed);
  }

  const std::vector<DecideRule>& rules_;  // the stage's
  Decide::RuleUse* uses_;
};

}  // namespace

RuleOutcome outcome_of(const DecideRule& rule, const Annotations& annotations) {
  if (!annotations.has(rule.annotation)) return RuleOutcome::missing;
  if (rule.minimum || rule.maximum) {
    const std::optional<double> number = annotations.number(rule.annotation);
    if (!number) return RuleOutcome::missing;
    // Written so that NaN breaks the rule.
    if (rule.minimum && !(*number >= *rule.minimum)) return RuleOutcome::broken;
    if (rule.maximum && !(*number <= *rule.maximum)) return RuleOutcome::broken;
  }
  if (!rule.equals.empty() && !is_one_of(rule.equals, annotations, rule.annotation)) return RuleOutcome::broken;
  return !rule.differs.empty() && is_one_of(rule.differs, annotations, rule.annotation) ? RuleOutcome::broken : RuleOutcome::passes;
}

Decide::Decide(const Config& config, const StageSetup& setup) : Stage(setup), config_(config), uses_(std::make_unique<RuleUse[]>(config.rules.size())) {
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

Decide::~Decide() {
  for (const std::string& warning : never_found()) log_warning(warning);
}

std::vector<std::string> Decide::never_found() const {
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < config_.rules.size(); ++i) {
    const DecideRule& rule = config_.rules[i];
    const std::int64_t missing = uses_[i].missing.load();
    if (uses_[i].found.load() || missing == 0) continue;
    const bool is_range = rule.minimum || rule.maximum;
    warnings.push_back("stage " + name() + ": none of " + std::to_string(missing) + " documents has " + (is_range ? "a number in " : "") + "the annotation '" +
                       rule.annotation + "', and the rule " + (rule.missing == MissingAnnotation::drop ? "dropped" : "passed over") +
                       " them all; is the name right?");
  }
  return warnings;
}

std::unique_ptr<StageWorker> Decide::worker() const { return std::make_unique<Worker>(config_.rules, uses_.get()); }

}  // namespace phidias::data::pipeline
