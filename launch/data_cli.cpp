#include "launch/cli_commands.h"

namespace phidias::launch {
namespace {

// The last line of a command's help: where its keys, or more about it, can be read.
void add_where(CLI::App* app, const std::string& where) { app->footer(app->get_footer() + "\n" + where); }

constexpr const char* kSettingsReference = "Keys: docs/data/settings-reference.md";

}  // namespace

void add_data_commands(CLI::App& app, Invocation& invocation, std::vector<std::unique_ptr<Command>>& storage) {
  {
    auto [c, o] = add_command<TokenizeCommand>(app, invocation, storage, "tokenize", "text or chats to token ids, and back",
                                               "phidias tokenize --model DIR --input texts.jsonl --output ids.jsonl");
    c->add_option("--model", o->model, "directory with tokenizer files")->required();
    c->add_option("--input", o->input, "JSON lines with text, messages (+ add_generation_prompt) or, with --decode, ids")->capture_default_str();
    c->add_option("--output", o->output, "JSON lines")->capture_default_str();
    c->add_option("--special", o->special, "special tokens written in the text")->capture_default_str()->check(CLI::IsMember({"parse", "text", "error"}));
    c->add_flag("--offsets", o->offsets, "also the range of each token, in code points");
    c->add_flag("--decode", o->decode, "ids to text");
    c->add_flag("--skip-special", o->skip_special, "with --decode: leave special tokens out");
    add_template(c, o->chat_template);
  }
  CLI::App* data = app.add_subcommand("data", "looks at data and makes it");
  data->require_subcommand(1);
  {
    auto [c, o] =
        add_command<DataRunCommand>(*data, invocation, storage, "run", "filters, deduplicates and scores documents (alone, or on many ranks under mpirun)",
                                    "launch/mpirun.sh -n 2 phidias data run recipes/data/two-phase.yaml output=runs/corpus");
    add_where(c, "Keys: phidias data stages, or docs/pipeline-reference.md");
    c->add_option("pipeline", o->pipeline, "pipeline (YAML)")->required();
    c->add_option("overrides", o->overrides, "key=value, checked like the pipeline");
  }
  {
    auto [c, o] = add_command<StagesCommand>(*data, invocation, storage, "stages", "prints every stage with its keys, or one", "phidias data stages minhash");
    c->add_option("stage", o->stage, "its key");
  }
  {
    auto [c, o] = add_command<TrainClassifierCommand>(*data, invocation, storage, "train-classifier", "trains a fastText classifier from labelled JSON lines",
                                                      "phidias data train-classifier recipes/data/educational-classifier.yaml output=runs/educational");
    add_where(c, kSettingsReference);
    c->add_option("config", o->config, "settings (YAML)")->required();
    c->add_option("overrides", o->overrides, "key=value");
  }
  {
    auto [c, o] = add_command<TrainHeadCommand>(*data, invocation, storage, "train-head", "trains a linear or MLP head on the embeddings of a model",
                                                "phidias data train-head recipes/data/educational-head.yaml output=runs/head");
    add_where(c, kSettingsReference);
    c->add_option("config", o->config, "settings (YAML)")->required();
    c->add_option("overrides", o->overrides, "key=value");
  }
  const auto add_synthetic = [&](const std::string& action, const std::string& description, const std::string& example) {
    auto [c, o] = add_command<SyntheticCommand>(*data, invocation, storage, action, description, example);
    o->action = action;
    add_where(c, kSettingsReference);
    c->add_option("config", o->config, "settings (YAML)")->required();
    c->add_option("overrides", o->overrides, "key=value");
  };
  add_synthetic("make-prompts", "writes prompts for any generator from grids and seed passages",
                "phidias data make-prompts recipes/data/textbook-prompts.yaml");
  add_synthetic("import-answers", "checks generated answers and makes training records of them",
                "phidias data import-answers recipes/data/import-answers.yaml");
  add_synthetic("make-pairs", "makes preference pairs from scored candidates", "phidias data make-pairs recipes/data/preference-pairs.yaml");
  {
    auto [c, o] = add_command<TokenizeCorpusCommand>(*data, invocation, storage, "tokenize", "kept shards to memory-mapped token stores",
                                                     "phidias data tokenize runs/corpus/kept --model DIR --output runs/corpus/tokens");
    add_where(c, "How corpora are tokenised: docs/data/mixtures.md");
    c->add_option("inputs", o->inputs, "files or folders of documents")->required();
    c->add_option("--model", o->model, "directory with tokenizer files")->required();
    c->add_option("--output", o->output, "directory to create")->required();
    c->add_option("--columns", o->columns, "annotations to keep with each document, for thresholds in a mixture")->delimiter(',');
    c->add_option("--max-length", o->max_length, "tokens of a document at most; longer ones are split (0: no limit)")->capture_default_str();
  }
  {
    auto [c, o] = add_command<MixtureCommand>(*data, invocation, storage, "mixture", "what the phases of a mixture take from each source",
                                              "phidias data mixture recipes/data/two-phase-mixture.yaml");
    add_where(c, "Keys: docs/data/mixture-reference.md");
    c->add_option("mixture", o->mixture, "mixture (YAML)")->required();
  }
  {
    auto [c, o] = add_command<MakeTasksCommand>(*data, invocation, storage, "make-tasks", "writes the quickstart's conversations: train.jsonl and test.jsonl",
                                                "phidias data make-tasks --output runs/quickstart-data");
    c->add_option("--output", o->output, "directory")->required();
    c->add_option("--train", o->train, "training conversations")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_option("--test", o->test, "test conversations, none of whose prompts occurs in training")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_option("--seed", o->seed, "of the generator")->capture_default_str();
  }
  {
    auto [c, o] =
        add_command<MakeNoiseCommand>(*data, invocation, storage, "make-noise", "writes the web's noise: short-lived facts, spam, boilerplate, copies",
                                      "phidias data make-noise --output runs/raw/noise.jsonl --documents 5000");
    c->add_option("--output", o->output, "JSON lines file")->required();
    c->add_option("--documents", o->documents, "how many")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_option("--seeds", o->seeds, "JSON lines with good texts, or a folder of .txt files: some are copied, whole or with small edits");
    c->add_option("--seed", o->seed, "of the generator")->capture_default_str();
  }
  {
    auto [c, o] = add_command<InspectCommand>(*data, invocation, storage, "inspect", "shows records as the model sees them, trained tokens marked",
                                              "phidias data inspect chats.jsonl --model DIR");
    c->add_option("file", o->file, "JSON lines")->required();
    c->add_option("--model", o->model, "directory with tokenizer files")->required();
    c->add_option("--documents", o->documents, "records to show")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_option("--train-on", o->train_on, "which tokens are targets")->capture_default_str()->check(CLI::IsMember({"assistant", "last_assistant", "all"}));
    add_template(c, o->chat_template);
  }
}

}  // namespace phidias::launch
