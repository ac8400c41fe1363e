#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "configs/nearest.h"
#include "data/inspect.h"
#include "data/pipeline/pipeline_config.h"
#include "data/synthetic/noise.h"
#include "data/synthetic/tasks.h"
#include "launch/commands.h"
#include "launch/model_directory_name.h"

namespace phidias::launch {

int run_make_tasks(const MakeTasksCommand& command) {
  const data::TaskReport report = data::make_tasks({.train = command.train, .test = command.test, .seed = command.seed}, command.output);
  std::string families;
  for (const auto& [family, count] : report.test_by_family) families += (families.empty() ? "" : ", ") + family + " " + std::to_string(count);
  log_info(command.output + ": " + std::to_string(report.train) + " conversations to train on, " + std::to_string(report.test) + " to test with (" + families +
           "), no test prompt in the training data");
  return 0;
}

int run_make_noise(const MakeNoiseCommand& command) {
  const data::NoiseReport report = data::make_noise({.documents = command.documents, .seed = command.seed, .seeds = command.seeds}, command.output);
  std::string kinds;
  for (const auto& [kind, count] : report.documents_by_kind) kinds += (kinds.empty() ? "" : ", ") + kind + " " + std::to_string(count);
  log_info(command.output + ": " + kinds);
  return 0;
}

int run_inspect(const InspectCommand& command, bool json) {
  const std::filesystem::path directory = resolve_tokenizer_directory(command.model);
  data::InspectOptions options;
  options.tokenizer_directory = directory;
  options.documents = command.documents;
  options.json = json;
  options.data.chat_template = command.chat_template;
  options.data.train_on = command.train_on == "all"              ? configs::TrainOn::all
                          : command.train_on == "last_assistant" ? configs::TrainOn::last_assistant
                                                                 : configs::TrainOn::assistant;
  const std::unique_ptr<data::Tokenizer> tokenizer = data::Tokenizer::load(directory);
  data::inspect_file(command.file, *tokenizer, options, std::cout);
  return 0;
}

int run_stages(const StagesCommand& command, bool json) {
  const std::vector<data::pipeline::StageType> all = data::pipeline::all_stage_types();
  std::vector<data::pipeline::StageType> shown;
  std::vector<std::string> known;
  for (const data::pipeline::StageType& type : all) {
    known.emplace_back(type.key);
    if (command.stage.empty() || command.stage == type.key) shown.push_back(type);
  }
  if (shown.empty()) throw ConfigError("no stage '" + command.stage + "'" + configs::suggestion(command.stage, known));
  if (json) {
    OrderedJson stages = OrderedJson::array();
    for (const data::pipeline::StageType& type : shown)
      stages.push_back({{"key", type.key}, {"doc", type.doc}, {"needs_model", type.needs_model}, {"keys", data::pipeline::keys_of(type)}});
    std::cout << OrderedJson{{"stages", stages}}.dump() << "\n";
  } else if (command.stage.empty()) {
    std::cout << data::pipeline::pipeline_reference();
  } else {
    std::cout << data::pipeline::stage_reference(shown.front());
  }
  return 0;
}

}  // namespace phidias::launch
