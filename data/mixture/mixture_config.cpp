#include "data/mixture/mixture_config.h"

#include <algorithm>

#include "configs/documenter.h"
#include "configs/nearest.h"
#include "configs/reader.h"
#include "configs/settings_file.h"
#include "configs/source_text.h"
#include "configs/yaml_document.h"
#include "data/mixture/mixture_config_visit.h"

namespace phidias::data::mixture {
namespace {

using configs::Value;

// Rules across keys.
class Checks {
 public:
  Checks(const MixtureConfig& config, configs::ReadState& state) : config_(config), state_(state) {}

  void run() {
    for (const auto& [name, source] : config_.sources) sources_.push_back(name);
    for (std::size_t p = 0; p < config_.phases.size(); ++p) {
      check_phase(config_.phases[p], "phases[" + std::to_string(p) + "]");
      phases_.push_back(config_.phases[p].name);
    }
  }

 private:
  void problem(const std::string& path, const std::string& text) { configs::add_problem(state_, path, text); }

  void check_phase(const Phase& phase, const std::string& path) {
    if (std::find(phases_.begin(), phases_.end(), phase.name) != phases_.end()) problem(path + ".name", "a second phase is called '" + phase.name + "'");
    for (const std::string& name : phase.disjoint_from)
      if (std::find(phases_.begin(), phases_.end(), name) == phases_.end())
        problem(path + ".disjoint_from", "no earlier phase is called '" + name + "'" + configs::suggestion(name, phases_));
    for (const auto& [name, source] : phase.sources) {
      const std::string at = path + ".sources." + name;
      if (std::find(sources_.begin(), sources_.end(), name) == sources_.end())
        problem(at, "no source is called '" + name + "'" + configs::suggestion(name, sources_));
      if (source.reuse_epochs && phases_.empty()) problem(at + ".reuse_epochs", "the first phase has no earlier one whose documents it could use again");
      for (const auto& [annotation, threshold] : source.where) check_threshold(threshold, at + ".where." + annotation);
    }
  }

  void check_threshold(const Threshold& threshold, const std::string& path) {
    const bool has_range = threshold.minimum || threshold.maximum;
    if (has_range == !threshold.values.empty()) problem(path, "give minimum and maximum (or one of them) of a number, or the values of a text");
    if (threshold.minimum && threshold.maximum && *threshold.minimum > *threshold.maximum) problem(path, "minimum is above maximum: no document fits");
  }

  const MixtureConfig& config_;
  configs::ReadState& state_;
  std::vector<std::string> sources_, phases_;
};

}  // namespace

std::int64_t MixtureConfig::tokens() const {
  std::int64_t sum = 0;
  for (const Phase& phase : phases) sum += phase.tokens;
  return sum;
}

MixtureConfig read_mixture_config(const std::string& path) { return parse_mixture_config(configs::read_source_text(path), path); }

MixtureConfig parse_mixture_config(const std::string& text, const std::string& path) {
  configs::check_source_text(text, path);
  configs::Problems problems;
  std::optional<Value> document = configs::parse_yaml(text, path, problems);
  if (!document) problems.throw_if_any();
  if (document->kind == Value::Kind::scalar || document->kind == Value::Kind::list) {
    problems.add(document->position, "", "expected sections (key: value), found " + document->described());
    problems.throw_if_any();
  }
  document->position = {path, 0, 0};
  MixtureConfig config;
  config.file = path;
  configs::ReadState state{.source = path, .problems = problems, .explain_unknown = configs::explain_unknown_setting};
  configs::Reader reader(*document, "", state);
  visit(config, reader);
  reader.finish();
  Checks(config, state).run();
  problems.throw_if_any();
  return config;
}

std::string mixture_reference() {
  MixtureConfig defaults;
  configs::Documenter documenter("a list");
  visit(defaults, documenter.as_one_table());
  return "# Keys of a mixture file\n\n<!-- Generated; tests/data/mixture/mixture_config_test.cpp compares and rewrites it (PHIDIAS_UPDATE=1). -->\n\n"
         "What they mean together: [mixtures.md](mixtures.md).\n\n" +
         std::string(configs::Documenter::kTableHead) + documenter.table();
}

}  // namespace phidias::data::mixture
