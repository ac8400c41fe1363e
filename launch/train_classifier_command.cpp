#include <iostream>

#include "base/json.h"
#include "base/log.h"
#include "data/pipeline/classify/train_classifier.h"
#include "launch/commands.h"

namespace phidias::launch {

int run_train_classifier(const TrainClassifierCommand& command, bool json) {
  namespace pipeline = data::pipeline;
  const pipeline::TrainedClassifier trained = pipeline::train_classifier(pipeline::read_train_classifier_config(command.config, command.overrides));
  if (trained.skipped_lines > 0) log_warning(std::to_string(trained.skipped_lines) + " lines skipped, the first: " + trained.first_skipped);
  if (json)
    std::cout << pipeline::to_json(trained).dump(2) << "\n";
  else
    std::cout << pipeline::to_text(trained.metrics) << trained.model.string() << "\n";
  return 0;
}

}  // namespace phidias::launch
