#include "configs/run_config.h"

#include <filesystem>
#include <optional>

#include "configs/key_paths.h"
#include "configs/overrides.h"
#include "configs/reader.h"
#include "configs/run_config_checks.h"
#include "configs/run_config_visit.h"
#include "configs/source_text.h"
#include "configs/writer.h"
#include "configs/yaml_document.h"

namespace phidias::configs {

namespace {

class KeyCollector {
 public:
  template <class T>
  void field(T&, const Field& field) {
    paths.push_back(prefix_ + std::string(field.key));
  }
  template <class Struct>
  void section(Struct& member, const Field& field) {
    const std::string outer = prefix_;
    prefix_ += std::string(field.key) + ".";
    visit(member, *this);
    prefix_ = outer;
  }
  void first_key(std::string&) {}

  std::vector<std::string> paths;

 private:
  std::string prefix_;
};

}  // namespace

RunConfig read_run_config(const std::string& path, const std::vector<std::string>& overrides) {
  return parse_run_config(read_source_text(path), path, overrides);
}

RunConfig parse_run_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides) {
  check_source_text(text, path);
  Problems problems;
  std::optional<Value> parsed = parse_yaml(text, path, problems);
  if (!parsed) problems.throw_if_any();
  Value& document = *parsed;
  if (document.kind == Value::Kind::scalar || document.kind == Value::Kind::list) {
    problems.add(document.position, "", "expected sections (key: value), found " + document.described());
    problems.throw_if_any();
  }
  document.position = {path, 0, 0};
  apply_overrides(document, overrides, problems);
  RunConfig config;
  ReadState state{.source = path, .problems = problems, .explain_unknown = explain_unknown_recipe_key};
  Reader reader(document, "", state);
  visit(config, reader);
  reader.finish();
  check_run_config(config, state);
  problems.throw_if_any();
  if (config.run.name.empty()) config.run.name = std::filesystem::path(path).stem().string();
  return config;
}

std::string dump_run_config(const RunConfig& config) {
  RunConfig copy = config;  // visitors take members by reference
  Writer writer;
  visit(copy, writer);
  return writer.text();
}

std::vector<std::string> run_config_key_paths() {
  RunConfig config;
  KeyCollector collector;
  visit(config, collector);
  return collector.paths;
}

}  // namespace phidias::configs
