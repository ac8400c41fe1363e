// One function per subcommand; each returns the exit code or throws Error. The first group needs no torch.
#pragma once

#include "launch/cli.h"

namespace phidias::parallel {
class World;
}

namespace phidias::data::pipeline {
struct ModelServices;
}

namespace phidias::launch {

int run_tokenize(const TokenizeCommand& command);
int run_make_tasks(const MakeTasksCommand& command);
int run_make_noise(const MakeNoiseCommand& command);
int run_inspect(const InspectCommand& command, bool json);
// In either program; `models` is null in the front one.
int run_data(const DataRunCommand& command, const Invocation& invocation, parallel::World& world, const data::pipeline::ModelServices* models);
int run_train_classifier(const TrainClassifierCommand& command, bool json);
int run_synthetic(const SyntheticCommand& command, bool json);
int run_tokenize_corpus(const TokenizeCorpusCommand& command, bool json);
int run_mixture(const MixtureCommand& command, bool json);
int run_stages(const StagesCommand& command, bool json);
int run_recipes(const RecipesCommand& command);
int run_report(const ReportCommand& command);
int run_version(bool json);

int run_train(const TrainCommand& command, const Invocation& invocation, parallel::World& world);
int run_generate(const GenerateCommand& command, bool json);
int run_chat(const ChatCommand& command);
int run_score(const ScoreCommand& command, bool json);
int run_export(const ExportCommand& command, bool json);
int run_init(const InitCommand& command);
int run_train_head(const TrainHeadCommand& command, bool json);
int run_plan(const PlanCommand& command, bool json, parallel::World& world);

}  // namespace phidias::launch
