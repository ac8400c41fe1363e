#include "configs/presets.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/error.h"
#include "configs/embedded_presets.h"
#include "configs/model_config_visit.h"
#include "configs/nearest.h"
#include "configs/reader.h"
#include "configs/yaml_document.h"

namespace phidias::configs {

namespace {

std::string_view preset_text(const std::string& name) {
  for (const auto& [preset, text] : embedded_presets())
    if (preset == name) return text;
  throw ConfigError(unknown_preset(name));
}

std::string explain_unknown_model_key(const std::string&, const std::vector<std::string>& keys_here) {
  std::string list;
  for (const std::string& key : keys_here) list += (list.empty() ? "" : ", ") + key;
  return "unknown key; valid here: " + list;
}

// What `longrope` does not give (configs/model_config_visit.h says the rule of each architecture).
void fill_attention_factors(ReadState& state, ModelConfig& config) {
  const double usual = longrope_attention_factor(config.max_positions, config.original_max_positions);
  const double usual_short = config.architecture == Architecture::phi3small ? 1.0 : usual;
  for (const auto& [key, factor, otherwise] : {std::tuple("longrope.short_mscale", &config.longrope.short_attention_factor, usual_short),
                                               std::tuple("longrope.long_mscale", &config.longrope.long_attention_factor, usual)}) {
    if (state.given.contains(key)) continue;
    *factor = otherwise;
    if (config.architecture == Architecture::phimoe) state.problems.add(state.given.at("longrope"), key, "required: phimoe derives it from nothing");
  }
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : embedded_presets()) names.emplace_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string unknown_preset(const std::string& name) {
  const std::vector<std::string> names = preset_names();
  std::string list;
  for (const std::string& valid : names) list += (list.empty() ? "" : ", ") + valid;
  const std::string meant = suggestion(name, names);
  return "no preset '" + name + "'" + (meant.empty() ? "; there are " : meant + " There are ") + list;
}

std::string preset_summary(const std::string& name) {
  const std::string_view text = preset_text(name);
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.starts_with("# ") ? std::string(line.substr(2)) : "";
}

ModelConfig read_model_config(const std::string& yaml, const std::string& source) {
  Problems problems;
  const std::optional<Value> document = parse_yaml(yaml, source, problems);
  if (!document) problems.throw_if_any();
  ModelConfig config;
  ReadState state{.source = source, .problems = problems, .explain_unknown = explain_unknown_model_key};
  Reader reader(*document, "", state);
  visit(config, reader);
  reader.finish();
  problems.throw_if_any();
  if (config.num_kv_heads == 0) config.num_kv_heads = config.num_heads;
  if (config.head_dim == 0 && config.hidden_size % config.num_heads == 0) config.head_dim = config.hidden_size / config.num_heads;
  if (config.original_max_positions == 0) config.original_max_positions = config.max_positions;
  config.has_longrope = state.given.contains("longrope");
  if (config.has_longrope) fill_attention_factors(state, config);
  if (config.architecture == Architecture::phi3small && config.vocab_size == kPhi3SmallVocabulary && !state.given.contains("dummy_token_indices"))
    config.dummy_token_ids = phi3small_dummy_tokens();
  for (const std::string& problem : model_config_problems(config)) problems.add({source, 0, 0}, "", problem);
  problems.throw_if_any();
  return config;
}

ModelConfig read_preset(const std::string& name) { return read_model_config(std::string(preset_text(name)), "preset " + name); }

}  // namespace phidias::configs
