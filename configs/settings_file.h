// A YAML file of one command -> its typed settings: file and overrides are read by one visit, all mistakes are told at once.
//
//   struct PairSettings { std::string input; double margin = 0; };      // + visit(PairSettings&, Visitor&)
//   auto settings = read_settings<PairSettings>("pairs.yaml", {"margin=0.5"}, [](PairSettings& s, ReadState& state) { ... });
#pragma once

#include <string>
#include <vector>

#include "configs/reader.h"

namespace phidias::configs {

// The document as sections with the overrides laid over it. Throws ConfigError when it is no YAML of sections.
Value read_settings_document(const std::string& path, const std::vector<std::string>& overrides, Problems& problems);
// Text after "unknown key": what was meant, or what is valid.
std::string explain_unknown_setting(const std::string& path, const std::vector<std::string>& keys_here);
// Adds a problem of `key` at the place where it was given, or at the file when it was not.
void add_problem(ReadState& state, const std::string& key, const std::string& text);

// `check` looks across keys. Throws ConfigError with every mistake.
template <class Settings, class Check>
Settings read_settings(const std::string& path, const std::vector<std::string>& overrides, Check&& check) {
  Problems problems;
  const Value document = read_settings_document(path, overrides, problems);
  ReadState state{.source = path, .problems = problems, .explain_unknown = explain_unknown_setting};
  Settings settings;
  Reader reader(document, "", state);
  visit(settings, reader);
  reader.finish();
  check(settings, state);
  problems.throw_if_any();
  return settings;
}

}  // namespace phidias::configs
