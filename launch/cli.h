// The command line: one struct per command, parsed once. Knows nothing of torch, so that `--help` answers at once.
//
//   launch::Invocation invocation = launch::parse_command_line(argc, argv);
//   if (auto* train = std::get_if<launch::TrainCommand>(&invocation.command)) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace phidias::launch {

struct TrainCommand {
  std::string recipe;
  std::vector<std::string> overrides;  // key.path=value
  bool dry_run = false;
};

struct TokenizeCommand {
  std::string model, input = "-", output = "-";
  std::string special = "parse";  // parse, text, error
  std::string chat_template = "auto";
  bool decode = false, skip_special = false, offsets = false;
};

// Generation settings shared by `generate` and `chat`.
struct SamplingFlags {
  std::int64_t max_new_tokens = 256;
  double temperature = 0.0;  // 0: greedy
  double top_p = 1.0;
  std::int64_t top_k = 0;  // 0: off
  double repetition_penalty = 1.0;
  std::uint64_t seed = 0;
  bool ignore_eos = false;
  std::string dtype = "auto";
};

struct GenerateCommand {
  std::string model, prompt, input, output = "-";
  SamplingFlags sampling;
  std::int64_t batch_size = 16;
  std::string chat_template = "auto";
  std::string answers_field;  // compares each text with this field of the input line and reports exact matches
};

struct ChatCommand {
  std::string model, system;
  SamplingFlags sampling;
  std::string chat_template = "auto";
};

struct ScoreCommand {
  std::string model, input = "-", output = "-", dtype = "auto";
  std::string chat_template = "auto";
  std::int64_t batch_tokens = 8192;
  bool routing = false;
};

struct ExportCommand {
  std::string model, adapter, output, format = "hf";  // hf, peft
  std::string dtype = "keep";                         // keep, float32, bfloat16
  bool verify = false;
};

// A model directory with fresh weights: where training from scratch by way of a directory begins.
struct InitCommand {
  std::string preset, tokenizer, output, dtype = "float32";
  std::uint64_t seed = 0;
};

// What a recipe needs on hardware that need not be there.
struct PlanCommand {
  std::string recipe, gpu = "h100-80";
  std::vector<std::string> overrides;
  int gpus = 1;
  double efficiency = 0.0;  // 0: a default of the kind
};

struct MakeTasksCommand {
  std::string output;
  std::int64_t train = 48000, test = 500;
  std::int64_t seed = 0;
};

struct MakeNoiseCommand {
  std::string output, seeds;
  std::int64_t documents = 5000, seed = 0;
};

struct InspectCommand {
  std::string file, model;
  std::int64_t documents = 3;
  std::string train_on = "assistant", chat_template = "auto";
};

// data run PIPELINE: documents through the stages of a pipeline file.
struct DataRunCommand {
  std::string pipeline;
  std::vector<std::string> overrides;  // key=value
};

// data train-classifier: a fastText model from labelled JSON lines.
struct TrainClassifierCommand {
  std::string config;
  std::vector<std::string> overrides;
};

// data train-head: a linear or MLP head on a model's embeddings.
struct TrainHeadCommand {
  std::string config;
  std::vector<std::string> overrides;
};

// data make-prompts, import-answers, make-pairs: synthetic and post-training data, each from a YAML file.
struct SyntheticCommand {
  std::string action, config;
  std::vector<std::string> overrides;
};

// data tokenize: kept shards to token stores.
struct TokenizeCorpusCommand {
  std::string model, output;
  std::vector<std::string> inputs, columns;
  std::int64_t max_length = 0;
};

// data mixture: what a mixture of phases will take from each source.
struct MixtureCommand {
  std::string mixture;
};

// data stages [NAME]: the reference of all stages, or of one.
struct StagesCommand {
  std::string stage;
};

struct RecipesCommand {
  std::string action, name, output;  // list, show, copy, validate
  std::vector<std::string> overrides;
};

struct ReportCommand {
  std::vector<std::string> runs;
};

struct VersionCommand {};

using Command = std::variant<TrainCommand, TokenizeCommand, GenerateCommand, ChatCommand, ScoreCommand, ExportCommand, InitCommand, PlanCommand,
                             MakeTasksCommand, MakeNoiseCommand, InspectCommand, DataRunCommand, TrainClassifierCommand, TrainHeadCommand, SyntheticCommand,
                             TokenizeCorpusCommand, MixtureCommand, StagesCommand, RecipesCommand, ReportCommand, VersionCommand>;

struct Invocation {
  Command command;
  bool json = false;   // results for machines
  bool quiet = false;  // warnings and errors only
};

// Returns the invocation, or the exit code with which to leave at once (help printed, or a usage error reported on standard error).
std::variant<Invocation, int> parse_command_line(int argc, char** argv);

// The command needs a model, so it runs in the engine program. Reads the pipeline of `data run`.
bool needs_engine(const Command& command);

}  // namespace phidias::launch
