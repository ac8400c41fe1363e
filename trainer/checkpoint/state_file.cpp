#include "trainer/checkpoint/state_file.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace phidias::trainer {
namespace {

void write_mixture(const data::DataPosition& position, OrderedJson& json) {
  json["phase"] = position.phase;
  json["order"] = position.order;
  for (const data::SourceProgress& progress : position.sources)
    json["sources"].push_back(
        {{"phase", progress.phase}, {"source", progress.source}, {"documents", progress.documents}, {"tokens", progress.tokens}, {"epochs", progress.epochs}});
}

void read_mixture(const Json& json, data::DataPosition& position) {
  position.phase = json.at("phase");
  position.order = json.at("order");
  for (const Json& progress : json.at("sources"))
    position.sources.push_back({progress.at("phase"), progress.at("source"), progress.at("documents"), progress.at("tokens"), progress.at("epochs")});
}

}  // namespace

void write_state_file(const std::filesystem::path& path, const SavedState& saved) {
  const TrainState& state = saved.state;
  OrderedJson json = {
      {"step", state.step},
      {"data",
       {{"step", state.data.step},
        {"epoch", state.data.epoch},
        {"offset", state.data.offset},
        {"tokens", state.data.tokens},
        {"documents", state.data.documents}}},
      {"epochs", state.epochs},
      {"target_tokens", state.target_tokens},
      {"seconds", state.seconds},
      {"schedule", {{"warmup_consumed", state.warmup_consumed}}},
      {"bad_steps", state.bad_steps},
      {"bad_steps_in_a_row", state.bad_steps_in_a_row},
      {"validation", state.validation},
      {"validation_step", state.validation_step},
      {"world_size", saved.world_size},
  };
  if (!state.data.phase.empty()) write_mixture(state.data, json["data"]);
  if (!state.expert_counts.empty()) json["expert_counts"] = state.expert_counts;
  for (const auto& [section, keys] : saved.recipe) json["recipe"][section] = {{"hash", section_hash(saved.recipe, section)}, {"keys", keys}};
  write_file_atomic(path, json.dump(1) + "\n");
}

SavedState read_state_file(const std::filesystem::path& path) {
  try {
    return parse_state(read_file(path), path.string());
  } catch (const DataError& error) {
    throw CheckpointError(error.what());
  }
}

SavedState parse_state(const std::string& text, const std::string& where) {
  try {
    const Json json = parse_json(text, where);
    SavedState saved;
    TrainState& state = saved.state;
    state.step = json.at("step");
    const Json& data = json.at("data");
    state.data = {data.at("step"), data.at("epoch"), data.at("offset"), data.at("tokens"), data.at("documents")};
    if (data.contains("phase")) read_mixture(data, state.data);
    state.epochs = json.at("epochs");
    state.target_tokens = json.at("target_tokens");
    state.seconds = json.at("seconds");
    state.warmup_consumed = json.at("schedule").at("warmup_consumed");
    state.bad_steps = json.at("bad_steps");
    state.bad_steps_in_a_row = json.at("bad_steps_in_a_row");
    state.validation = json.at("validation").get<std::map<std::string, double>>();
    state.validation_step = json.at("validation_step");
    if (json.contains("expert_counts")) state.expert_counts = json["expert_counts"].get<std::vector<double>>();
    saved.world_size = json.at("world_size");
    for (const auto& [section, value] : json.at("recipe").items()) saved.recipe[section] = value.at("keys").get<std::map<std::string, std::string>>();
    return saved;
  } catch (const Json::exception& error) {
    throw CheckpointError(where + ": not a checkpoint's state: " + error.what());
  } catch (const DataError& error) {
    throw CheckpointError(error.what());
  }
}

}  // namespace phidias::trainer
