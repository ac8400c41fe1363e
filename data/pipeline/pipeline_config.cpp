#include "data/pipeline/pipeline_config.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "configs/nearest.h"
#include "configs/settings_file.h"
#include "configs/source_text.h"
#include "data/pipeline/pipeline_config_visit.h"

namespace phidias::data::pipeline {
namespace {

using configs::Value;

// Takes the value of `key` out of a map.
Value take(Value& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i] != key) continue;
    const auto at = static_cast<std::ptrdiff_t>(i);
    Value value = std::move(map.items[i]);
    map.keys.erase(map.keys.begin() + at);
    map.key_positions.erase(map.key_positions.begin() + at);
    map.items.erase(map.items.begin() + at);
    return value;
  }
  return {};
}

const std::vector<StageType>& stage_types() {
  static const std::vector<StageType> types = all_stage_types();
  return types;
}

// `stages[i]`: a key alone, or a map of one key to its settings.
void read_stage(const Value& item, const std::string& path, configs::ReadState& state, PipelineConfig& config) {
  static const Value kDefaults;
  const bool bare = item.kind == Value::Kind::scalar;
  if (!bare && (item.kind != Value::Kind::map || item.keys.size() != 1))
    return state.problems.add(item.position, path, "expected a stage: its key, or `key: {settings}`; found " + item.described());
  const std::string key = bare ? item.text : item.keys.front();
  const auto type = std::find_if(stage_types().begin(), stage_types().end(), [&](const StageType& known) { return known.key == key; });
  if (type == stage_types().end()) {
    std::vector<std::string> known;
    for (const StageType& each : stage_types()) known.emplace_back(each.key);
    return state.problems.add(bare ? item.position : item.key_positions.front(), path, "no stage '" + key + "'" + configs::suggestion(key, known));
  }
  const Value& settings = bare ? kDefaults : item.items.front();
  if (!bare && settings.kind != Value::Kind::map && settings.kind != Value::Kind::null)
    return state.problems.add(settings.position, path + "." + key, "expected settings (key: value), found " + settings.described());
  Value placed = settings;
  if (placed.position.source.empty()) placed.position = item.position;
  std::unique_ptr<StageSettings> read = type->read(placed, path + "." + key, state);
  if (read->common.name.empty()) read->common.name = key;
  if (read->common.name == "read") state.problems.add(item.position, path, "'read' is the name of reading itself: give the stage another `name`");
  for (const StageEntry& other : config.stages)
    if (other.name() == read->common.name) state.problems.add(item.position, path, "a second stage is called '" + other.name() + "': give it another `name`");
  config.stages.push_back({&*type, std::shared_ptr<const StageSettings>(std::move(read)), item.position.text()});
}

// "stages=", "stages[3].minhash.bands=", "stages.3=".
bool overrides_stages(const std::string& text) {
  constexpr std::string_view kStages = "stages";
  return text.starts_with(kStages) && text.find_first_of("=.[", kStages.size()) == kStages.size();
}

}  // namespace

PipelineConfig read_pipeline_config(const std::string& path, const std::vector<std::string>& overrides) {
  return parse_pipeline_config(configs::read_source_text(path), path, overrides);
}

PipelineConfig parse_pipeline_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides) {
  for (const std::string& override_text : overrides)
    if (overrides_stages(override_text)) throw ConfigError(path + ": " + override_text + ": stages are not overridden: edit the file");
  configs::Problems problems;
  Value document = configs::parse_settings_document(text, path, overrides, problems);
  const Value stages = document.kind == Value::Kind::map ? take(document, "stages") : Value{};
  PipelineConfig config;
  configs::ReadState state{.source = path, .problems = problems, .explain_unknown = configs::explain_unknown_setting};
  configs::Reader reader(document, "", state);
  visit(config, reader);
  reader.finish();
  if (stages.kind == Value::Kind::list)
    for (std::size_t i = 0; i < stages.items.size(); ++i) read_stage(stages.items[i], "stages[" + std::to_string(i) + "]", state, config);
  else if (!stages.is_null())
    problems.add(stages.position, "stages", "expected a list of stages, found " + stages.described());
  problems.throw_if_any();
  if (config.name.empty()) config.name = std::filesystem::path(path).stem().string();
  return config;
}

std::string dump_pipeline_config(const PipelineConfig& config) {
  PipelineConfig copy = config;
  configs::Writer writer;
  visit(copy, writer);
  std::string text = writer.text();
  text += config.stages.empty() ? "stages: []\n" : "stages:\n";
  for (const StageEntry& stage : config.stages) text += "  - " + std::string(stage.type->key) + ": " + stage.settings->yaml() + "\n";
  return text;
}

PipelineConfig result_settings(const PipelineConfig& config) {
  PipelineConfig settings = config;
  settings.output = "";
  settings.work = {.unit_bytes = config.work.unit_bytes};
  return settings;
}

bool needs_model(const PipelineConfig& config) {
  return std::any_of(config.stages.begin(), config.stages.end(), [](const StageEntry& stage) { return stage.type->needs_model; });
}

}  // namespace phidias::data::pipeline
