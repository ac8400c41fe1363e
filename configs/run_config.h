// What a training run is: one typed struct per section of a recipe. A YAML key is one field; the default is the field's initialiser.
//
// Each struct has one `visit` (configs/run_config_visit.h) that lists its fields; reading, overriding, checking, dumping and documenting are
// visitors. The user's view of the keys is docs/configuration.md, generated from there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace phidias::configs {

enum class Method { pretrain, sft, reward, dpo, ppo, longrope };

struct RunSection {
  std::string name;    // default: the recipe's file name
  std::string output;  // required
  std::int64_t seed = 0;
  bool deterministic = false;
  bool operator==(const RunSection&) const = default;
};

enum class DType { automatic, float32, bfloat16 };
enum class RecomputePolicy { none, mlp, block };
enum class WindowRule { exclusive, inclusive };
enum class AutoBool { automatic, no, yes };

enum class Router { sparsemixer, deterministic, frozen };
enum class AuxCounts { micro_batch, previous_step };

// Low-rank adapters (arXiv 2106.09685). rank 0: none.
struct LoraSection {
  std::int64_t rank = 0;
  std::optional<double> alpha;  // required with a rank; the update is scaled by alpha / rank (rslora: alpha / sqrt(rank))
  double dropout = 0.0;
  std::vector<std::string> targets = {"all-linear"};  // module names or shell patterns over module paths; all-linear
  bool rslora = false;
  bool operator==(const LoraSection&) const = default;
};

struct ModelSection {
  std::string path;       // Hugging Face directory, or
  std::string preset;     // a name of configs/models
  std::string tokenizer;  // directory with the tokenizer's files; empty: `path` (a preset has none of its own)
  DType dtype = DType::automatic;
  RecomputePolicy recompute = RecomputePolicy::none;
  WindowRule window = WindowRule::exclusive;
  AutoBool train_pad_embedding = AutoBool::automatic;
  std::vector<std::string> trainable;  // name patterns; empty: all
  std::map<std::string, std::int64_t> add_tokens;
  std::string adapter;  // PEFT directory to start the adapters from
  LoraSection lora;
  Router router = Router::sparsemixer;                                 // mixture of experts: how experts are chosen in training
  std::optional<double> router_jitter, input_jitter, router_aux_loss;  // unset: the model's configuration
  AuxCounts aux_counts = AuxCounts::micro_batch;
  bool operator==(const ModelSection&) const = default;
};

struct DataSource {
  std::string path;
  double weight = 1.0;
  std::string kind = "auto";  // auto, text, chat, completion, preference, prompt, tokens
  bool operator==(const DataSource&) const = default;
};

enum class OverLength { automatic, truncate, drop, split };
enum class TrainOn { assistant, last_assistant, all };
enum class SpecialTokensInContent { text, parse, error };
enum class OnError { stop, skip };

struct DataSection {
  std::vector<DataSource> train, validation;  // exactly one of train and mixture
  std::string mixture;                        // a mixture of phases (data/mixture/mixture_config.h)
  std::int64_t max_length = 0;                // 0: the model's max_positions
  OverLength over_length = OverLength::automatic;
  bool packing = true;
  std::string chat_template = "auto";  // YAML key: template
  TrainOn train_on = TrainOn::assistant;
  SpecialTokensInContent special_tokens_in_content = SpecialTokensInContent::text;
  bool shuffle = true;
  OnError on_error = OnError::stop;
  std::string cache = "auto";  // directory of token stores; auto: <run.output>/cache when large, memory when small
  bool operator==(const DataSection&) const = default;
};

struct BatchSection {
  std::int64_t documents = 0, tokens = 0;  // exactly one of them
  std::int64_t micro_tokens = 0;           // 0: max(max_length, 8192)
  std::int64_t micro_documents = 0;        // 0: no limit
  bool operator==(const BatchSection&) const = default;
};

enum class StateDType { float32, bfloat16 };
enum class Decay { matrices, all };

struct OptimizerSection {
  std::string name = "adamw";
  double learning_rate = 0.0;  // required
  std::vector<double> betas = {0.9, 0.95};
  double eps = 1e-8;
  double weight_decay = 0.1;
  Decay decay = Decay::matrices;
  double clip_norm = 1.0;  // 0: off
  StateDType state_dtype = StateDType::float32;
  bool skip_unused_experts = false;  // an expert without a token in a step keeps weights and moments (as AdamW on a gradient None)
  bool operator==(const OptimizerSection&) const = default;
};

enum class ScheduleName { constant, linear, cosine, wsd, inverse_sqrt };

struct ScheduleSection {
  ScheduleName name = ScheduleName::cosine;
  std::int64_t warmup_steps = 0;
  double min_ratio = 0.0;
  std::int64_t decay_steps = 0;  // wsd
  bool operator==(const ScheduleSection&) const = default;
};

enum class Shard { none, optimizer, gradients, parameters };
enum class Backend { automatic, nccl, mpi };

struct ParallelSection {
  std::int64_t data = 0;  // YAML: auto or a number
  std::int64_t expert = 1, context = 1;
  Shard shard = Shard::none;
  Backend backend = Backend::automatic;
  double timeout_seconds = 1800;
  bool operator==(const ParallelSection&) const = default;
};

// One or more; the schedule's progress is in the unit of the first given in the file.
struct StopSection {
  std::optional<std::int64_t> steps, tokens;
  std::optional<double> epochs;
  std::optional<double> time_seconds;  // YAML key: time ("90s", "45m", "2h" or seconds)
  std::string first;                   // "steps", "epochs", "tokens" or "time": the first key given
  bool operator==(const StopSection&) const = default;
};

enum class Resume { automatic, never, force };

struct CheckpointSection {
  std::int64_t every_steps = 0;  // 0: only at the end and on a stop signal
  std::int64_t keep = 3;
  std::string keep_best;  // a metric's name; empty: off
  Resume resume = Resume::automatic;
  bool operator==(const CheckpointSection&) const = default;
};

struct EvaluationSection {
  std::int64_t every_steps = 0;  // 0: at start and end
  bool at_start = true;
  std::int64_t max_documents = 0;  // 0: whole files
  bool operator==(const EvaluationSection&) const = default;
};

struct LogSection {
  std::int64_t every_steps = 1;
  bool tensorboard = true;
  bool operator==(const LogSection&) const = default;
};

struct DivergenceSection {
  std::int64_t max_bad_steps = 5;
  bool operator==(const DivergenceSection&) const = default;
};

struct RunConfig {
  Method method = Method::sft;
  RunSection run;
  ModelSection model;
  DataSection data;
  BatchSection batch;
  OptimizerSection optimizer;
  ScheduleSection schedule;
  ParallelSection parallel;
  StopSection stop;
  CheckpointSection checkpoint;
  EvaluationSection evaluation;
  LogSection log;
  DivergenceSection divergence;
  bool operator==(const RunConfig&) const = default;
};

// Reads a recipe, applies `key.path=value` overrides, checks everything. Throws ConfigError with every mistake of file and overrides,
// one per line: "recipe.yaml:12:3: optimizer.learning_rat: unknown key; did you mean optimizer.learning_rate?". An override's value is taken as
// it stands unless it opens with one of [ { " ' (then it is YAML); `null` gives the default back. Its errors are placed as "override 3".
// Relative paths in a recipe are relative to the working directory, not to the recipe.
RunConfig read_run_config(const std::string& path, const std::vector<std::string>& overrides);
// The same for a text in memory; `path` names it in errors and, without folder and ending, the run.
RunConfig parse_run_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides);
// As YAML that read_run_config accepts again and that gives an equal struct.
std::string dump_run_config(const RunConfig& config);
// The generated reference page (docs/configuration.md).
std::string run_config_reference();

}  // namespace phidias::configs
