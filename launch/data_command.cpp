#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "base/log.h"
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

int run_stages() {
  std::cout << data::pipeline::pipeline_reference();
  return 0;
}

}  // namespace phidias::launch
