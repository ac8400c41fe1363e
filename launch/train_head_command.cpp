#include <cstdio>

#include "base/json.h"
#include "configs/settings_file.h"
#include "launch/commands.h"
#include "launch/model_services.h"
#include "trainer/scoring/embedding_head.h"

namespace phidias::launch {

int run_train_head(const TrainHeadCommand& command, bool json) {
  using data::pipeline::HeadSettings;
  const auto settings = configs::read_settings<HeadSettings>(command.config, command.overrides, [](const HeadSettings&, configs::ReadState&) {});
  const auto encoder = make_model_services().embedder(settings.model, settings.max_tokens);
  const trainer::HeadReport report = trainer::train_head(settings, *encoder);
  if (json)
    std::printf("%s\n", OrderedJson({{"train", report.train},
                                     {"validation", report.validation},
                                     {"best_epoch", report.best_epoch},
                                     {"mean_squared_error", report.mean_squared_error},
                                     {"variance", report.variance},
                                     {"f1", report.f1},
                                     {"accuracy", report.accuracy}})
                            .dump()
                            .c_str());
  else
    std::printf(
        "%s: %ld texts to train on, %ld held out; best epoch %ld: mean squared error %.4g (variance of the labels %.4g), F1 %.3f and accuracy %.3f at %g\n",
        settings.output.c_str(), long{report.train}, long{report.validation}, long{report.best_epoch}, report.mean_squared_error, report.variance, report.f1,
        report.accuracy, settings.threshold);
  return 0;
}

}  // namespace phidias::launch
