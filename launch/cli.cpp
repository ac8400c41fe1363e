#include "launch/cli.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "configs/nearest.h"
#include "data/pipeline/pipeline_config.h"
#include "launch/cli_commands.h"

namespace phidias::launch {
namespace {

void add_sampling(CLI::App* app, SamplingFlags& flags) {
  app->add_option("--max-new-tokens", flags.max_new_tokens, "tokens to write at most")->capture_default_str()->check(CLI::PositiveNumber);
  app->add_option("--temperature", flags.temperature, "0 takes the likeliest token")->capture_default_str()->check(CLI::NonNegativeNumber);
  app->add_option("--top-p", flags.top_p, "nucleus: the smallest set of tokens with this probability")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  app->add_option("--top-k", flags.top_k, "the K likeliest tokens (0: all)")->capture_default_str()->check(CLI::NonNegativeNumber);
  app->add_option("--repetition-penalty", flags.repetition_penalty, "1: none")->capture_default_str()->check(CLI::PositiveNumber);
  app->add_option("--seed", flags.seed, "of the random draws")->capture_default_str();
  app->add_flag("--ignore-eos", flags.ignore_eos, "write max-new-tokens tokens whatever comes");
  app->add_option("--dtype", flags.dtype, "of weights and activations")->capture_default_str()->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
}

void add_model_commands(CLI::App& app, Invocation& invocation, std::vector<std::unique_ptr<Command>>& storage) {
  {
    auto [c, o] = add_command<TrainCommand>(app, invocation, storage, "train", "runs a recipe (alone, or on many ranks under mpirun)",
                                            "launch/mpirun.sh -n 2 phidias train recipes/sft/phi-3.5-mini.yaml model.path=DIR data.train=FILE");
    c->add_option("recipe", o->recipe, "recipe (YAML)")->required();
    c->add_option("overrides", o->overrides, "key.path=value, checked like the recipe");
    c->add_flag("--dry-run", o->dry_run, "two steps and a checkpoint, then stop");
  }
  {
    auto [c, o] = add_command<PlanCommand>(app, invocation, storage, "plan", "memory, communication and speed of a recipe on given GPUs; needs none",
                                           "phidias plan recipes/sft/phi-3-medium-4k.yaml model.path=null model.preset=phi-3-medium-4k "
                                           "model.dtype=bfloat16 parallel.shard=parameters --gpus 8 --gpu h100-80");
    c->add_option("recipe", o->recipe, "recipe (YAML)")->required();
    c->add_option("overrides", o->overrides, "key.path=value, checked like the recipe");
    c->add_option("--gpus", o->gpus, "ranks, one per GPU")->capture_default_str()->check(CLI::Range(1, 65536));
    c->add_option("--gpu", o->gpu, "h100-80, h200-141, b200-192, a100-40, a100-80, l40s-48, or cpu: this machine, shared by the ranks")->capture_default_str();
    c->add_option("--efficiency", o->efficiency, "part of the peak that products are expected to reach")->check(CLI::Range(0.0, 1.0));
  }
  {
    auto [c, o] = add_command<GenerateCommand>(app, invocation, storage, "generate", "writes text with a model",
                                               "phidias generate --model runs/quickstart --prompt $'<|user|>\\nsort: pear apple<|end|>\\n<|assistant|>\\n'");
    c->add_option("--model", o->model, "Hugging Face or run directory")->required();
    c->add_option("--prompt", o->prompt, "text to continue (special tokens are parsed)");
    c->add_option("--input", o->input, "JSON lines with prompt, messages or input_ids (- for standard input)");
    c->add_option("--output", o->output, "JSON lines (- for standard output)")->capture_default_str();
    c->add_option("--batch-size", o->batch_size, "sequences at a time")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_option("--answers", o->answers_field, "field with the expected text: report exact matches");
    add_sampling(c, o->sampling);
    add_template(c, o->chat_template);
  }
  {
    auto [c, o] = add_command<ChatCommand>(app, invocation, storage, "chat", "talks with a model, line by line", "phidias chat --model runs/quickstart");
    c->add_option("--model", o->model, "Hugging Face or run directory")->required();
    c->add_option("--system", o->system, "system message");
    add_sampling(c, o->sampling);
    add_template(c, o->chat_template);
  }
  {
    auto [c, o] = add_command<ScoreCommand>(app, invocation, storage, "score", "token log-probabilities, loss and perplexity of given texts",
                                            "phidias score --model DIR --input texts.jsonl --output scores.jsonl");
    c->add_option("--model", o->model, "Hugging Face or run directory")->required();
    c->add_option("--input", o->input, "JSON lines with input_ids (+ labels), text or messages")->capture_default_str();
    c->add_option("--output", o->output, "JSON lines")->capture_default_str();
    c->add_option("--dtype", o->dtype, "of weights and activations")->capture_default_str()->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
    c->add_option("--batch-tokens", o->batch_tokens, "tokens of a forward pass at most")->capture_default_str()->check(CLI::PositiveNumber);
    c->add_flag("--routing", o->routing, "experts and weights of every token per layer (a mixture of experts)");
    add_template(c, o->chat_template);
  }
  {
    auto [c, o] = add_command<ExportCommand>(app, invocation, storage, "export", "writes a Hugging Face directory from a run or model directory",
                                             "phidias export --model runs/quickstart --output my-phi-3 --verify");
    c->add_option("--model", o->model, "Hugging Face, run or adapter directory (an adapter is merged into its base)")->required();
    c->add_option("--adapter", o->adapter, "PEFT directory or LoRA run to merge into --model");
    c->add_option("--output", o->output, "directory to create")->required();
    c->add_option("--format", o->format, "hf: a whole model; peft: the adapter alone")->capture_default_str()->check(CLI::IsMember({"hf", "peft"}));
    c->add_option("--dtype", o->dtype, "of the weights written")->capture_default_str()->check(CLI::IsMember({"keep", "float32", "bfloat16"}));
    c->add_flag("--verify", o->verify, "read the result back and compare every tensor");
  }
  {
    auto [c, o] = add_command<InitCommand>(app, invocation, storage, "init", "makes a model directory with fresh weights from a preset",
                                           "phidias init --preset phi3-quickstart --tokenizer recipes/quickstart/tokenizer --output runs/quickstart/initial");
    c->add_option("--preset", o->preset, "name of a preset")->required();
    c->add_option("--tokenizer", o->tokenizer, "directory whose tokenizer files are copied");
    c->add_option("--output", o->output, "directory to create")->required();
    c->add_option("--dtype", o->dtype, "of the weights written")->capture_default_str()->check(CLI::IsMember({"float32", "bfloat16"}));
    c->add_option("--seed", o->seed, "of the weights")->capture_default_str();
  }
}

void add_run_commands(CLI::App& app, Invocation& invocation, std::vector<std::unique_ptr<Command>>& storage) {
  CLI::App* recipes = app.add_subcommand("recipes", "shipped recipes: list, show, copy, validate");
  recipes->require_subcommand(1);
  const auto add_recipes = [&](const std::string& action, const std::string& description, const std::string& example) {
    auto [c, o] = add_command<RecipesCommand>(*recipes, invocation, storage, action, description, example);
    o->action = action;
    if (action != "list") c->add_option("name", o->name, action == "validate" ? "recipe file" : "name as listed")->required();
    if (action == "copy") c->add_option("output", o->output, "file to create")->required();
    if (action == "validate") c->add_option("overrides", o->overrides, "key.path=value");
  };
  add_recipes("list", "names the shipped recipes with their purpose", "phidias recipes list");
  add_recipes("show", "prints one", "phidias recipes show sft/phi-3.5-mini");
  add_recipes("copy", "copies one to edit", "phidias recipes copy sft/phi-3.5-mini my-run.yaml");
  add_recipes("validate", "checks a recipe and prints it resolved", "phidias recipes validate my-run.yaml model.path=DIR");
  {
    auto [c, o] = add_command<ReportCommand>(app, invocation, storage, "report", "draws the curves of runs into RUN/report/", "phidias report runs/quickstart");
    c->add_option("runs", o->runs, "run directories")->required();
  }
  add_command<VersionCommand>(app, invocation, storage, "version", "prints the version", "phidias version");
}

// What the parser alone would answer with "A subcommand is required": an unknown word where a command belongs. Empty when there is none.
std::string explain_unknown_command(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* at = &app;
  std::string path = "phidias";
  for (const std::string& word : words) {
    std::vector<std::string> known;
    CLI::App* next = nullptr;
    for (CLI::App* command : at->get_subcommands([](CLI::App*) { return true; })) {
      known.push_back(command->get_name());
      if (command->get_name() == word) next = command;
    }
    if (known.empty() || word.starts_with('-')) return {};
    if (next == nullptr) return path + ": no command '" + word + "'" + configs::suggestion(word, known) + " (" + path + " --help lists them)";
    at = next;
    path += " " + word;
  }
  return {};
}

}  // namespace

std::variant<Invocation, int> parse_command_line(int argc, char** argv) {
  CLI::App app{"Phidias trains and fine-tunes the Phi-3 family."};
  app.name("phidias");
  app.footer("Example:\n  phidias train recipes/quickstart/quickstart.yaml\nEvery command has --help.");
  app.require_subcommand(1);
  Invocation invocation;
  std::vector<std::unique_ptr<Command>> storage;
  add_model_commands(app, invocation, storage);
  add_data_commands(app, invocation, storage);
  add_run_commands(app, invocation, storage);
  std::vector<std::string> words(argv + 1, argv + argc);
  // `phidias data web.yaml` is `phidias data run web.yaml`.
  if (words.size() > 1 && words[0] == "data" && (words[1].ends_with(".yaml") || words[1].ends_with(".yml"))) words.insert(words.begin() + 1, "run");
  if (const std::string unknown = explain_unknown_command(app, words); !unknown.empty()) {
    std::fprintf(stderr, "%s\n", unknown.c_str());
    return 2;
  }
  std::reverse(words.begin(), words.end());  // as the parser takes them
  try {
    app.parse(words);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return 0;
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return 2;
  }
  return invocation;
}

bool needs_engine(const Command& command) {
  if (const auto* data = std::get_if<DataRunCommand>(&command)) {
    try {
      return data::pipeline::needs_model(data::pipeline::read_pipeline_config(data->pipeline, data->overrides));
    } catch (const Error&) {
      return false;  // told once, by the command itself
    }
  }
  return std::holds_alternative<TrainHeadCommand>(command) || std::holds_alternative<TrainCommand>(command) ||
         std::holds_alternative<GenerateCommand>(command) || std::holds_alternative<ChatCommand>(command) || std::holds_alternative<ScoreCommand>(command) ||
         std::holds_alternative<ExportCommand>(command) || std::holds_alternative<InitCommand>(command) || std::holds_alternative<PlanCommand>(command);
}

}  // namespace phidias::launch
