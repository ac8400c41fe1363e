#include "configs/run_config_checks.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "configs/key_paths.h"
#include "configs/nearest.h"
#include "configs/presets.h"

namespace phidias::configs {

namespace {

struct LaterKey {
  std::string_view path, feature;
};

// Keys with a settled meaning whose feature this version does not have. They are refused by name rather than as typing mistakes.
constexpr std::array kLaterKeys = {
    LaterKey{"dpo", "direct preference optimisation"},
    LaterKey{"reward", "reward model training"},
    LaterKey{"ppo", "PPO"},
    LaterKey{"longrope", "context extension"},
};

class Checks {
 public:
  Checks(const RunConfig& config, ReadState& state) : config_(config), state_(state) {}

  void run() {
    exactly_one("model.path", "model.preset");
    exactly_one("batch.documents", "batch.tokens");
    check_data();
    check_preset();
    check_batch();
    check_stop();
    check_schedule();
    check_evaluation();
    check_added_tokens();
    check_adapters();
    check_router();
  }

 private:
  bool is_given(const std::string& path) const { return state_.given.contains(path); }

  // At the key, else at its section, else at the document.
  Position position_of(const std::string& path) const {
    for (const std::string& place : {path, path.substr(0, path.find('.'))})
      if (const auto found = state_.given.find(place); found != state_.given.end()) return found->second;
    return {state_.source, 0, 0};
  }

  void problem(const std::string& path, const std::string& text) { state_.problems.add(position_of(path), path, text); }

  void exactly_one(const std::string& a, const std::string& b) {
    const std::string section = a.substr(0, a.find('.'));
    if (is_given(a) && is_given(b)) problem(b, "exactly one of " + a + " and " + b + " may be given, both are");
    if (!is_given(a) && !is_given(b)) problem(section, "exactly one of " + a + " and " + b + " is required");
  }

  void check_preset() {
    const std::vector<std::string> names = preset_names();
    const std::string& preset = config_.model.preset;
    if (preset.empty() || std::find(names.begin(), names.end(), preset) != names.end()) return;
    problem("model.preset", unknown_preset(preset));
  }

  void check_data() {
    const bool has_train = !config_.data.train.empty(), has_mixture = is_given("data.mixture");  // a dumped mixture run says `train: []`
    if (has_train && has_mixture) problem("data.mixture", "exactly one of data.train and data.mixture may be given, both are");
    if (!has_train && !has_mixture && is_given("data.train")) problem("data.train", "required: sources to train on");
    if (!has_train && !has_mixture && !is_given("data.train")) problem("data", "exactly one of data.train and data.mixture is required");
    if (!has_mixture) return;
    if (is_given("method") && config_.method != Method::pretrain) problem("data.mixture", "needs method: pretrain; other methods take data.train");
    if (config_.data.over_length == OverLength::truncate || config_.data.over_length == OverLength::drop)
      problem("data.over_length", "documents of a mixture are cut into pieces: split, or leave it out");
    if (is_given("stop.epochs")) problem("stop.epochs", "a mixture has no epochs: its phases say their tokens");
  }

  void check_batch() {
    const BatchSection& batch = config_.batch;
    if (batch.micro_tokens != 0 && config_.data.max_length != 0 && batch.micro_tokens < config_.data.max_length)
      problem("batch.micro_tokens", std::to_string(batch.micro_tokens) + " is below data.max_length, " + std::to_string(config_.data.max_length) +
                                        ": a document of that length would fit no micro-batch");
  }

  void check_stop() {
    const std::vector<std::string> paths = {"stop.steps", "stop.epochs", "stop.tokens", "stop.time"};
    const bool is_open = std::none_of(paths.begin(), paths.end(), [&](const std::string& path) { return is_given(path); });
    if (is_open && !is_given("data.mixture"))  // a mixture ends with its last phase
      problem("stop", "at least one of stop.steps, stop.epochs, stop.tokens and stop.time is required");
    if (config_.stop.time_seconds && config_.schedule.name != ScheduleName::constant)
      problem("stop.time", "needs schedule.name: constant, because the course of any other rate would depend on the machine's speed");
  }

  void check_schedule() {
    const ScheduleSection& schedule = config_.schedule;
    const bool is_wsd = schedule.name == ScheduleName::wsd;
    if (is_wsd && !is_given("schedule.decay_steps")) problem("schedule", "schedule.name: wsd needs schedule.decay_steps");
    if (is_wsd && is_given("stop." + config_.stop.first) && config_.stop.first != "steps")
      problem("schedule.name", "wsd needs stop.steps as the first key of stop: its decay is counted in steps from the end");
    if (!is_wsd && is_given("schedule.decay_steps") && schedule.decay_steps != 0) problem("schedule.decay_steps", "belongs to schedule.name: wsd alone");
    if (config_.stop.first != "steps" || !config_.stop.steps) return;
    const std::int64_t needed = schedule.warmup_steps + (is_wsd ? schedule.decay_steps : 0);
    if (schedule.warmup_steps <= *config_.stop.steps && needed > *config_.stop.steps)
      problem("schedule.decay_steps",
              "warm-up and decay together are longer than the run: " + std::to_string(needed) + " of " + std::to_string(*config_.stop.steps) + " steps");
    if (schedule.warmup_steps > *config_.stop.steps)
      problem("schedule.warmup_steps",
              "the warm-up is longer than the run: " + std::to_string(schedule.warmup_steps) + " of " + std::to_string(*config_.stop.steps) + " steps");
  }

  void check_evaluation() {
    if (!config_.data.validation.empty()) return;
    if (config_.evaluation.every_steps != 0) problem("evaluation.every_steps", "needs data.validation");
    if (!config_.checkpoint.keep_best.empty()) problem("checkpoint.keep_best", "needs data.validation");
  }

  void check_added_tokens() {
    std::map<std::int64_t, std::string> owner;
    for (const auto& [text, id] : config_.model.add_tokens)
      if (const auto [first, is_new] = owner.emplace(id, text); !is_new)
        problem("model.add_tokens", "'" + first->second + "' and '" + text + "' have the same id " + std::to_string(id));
  }

  void check_adapters() {
    const LoraSection& lora = config_.model.lora;
    const bool has_keys = std::any_of(state_.given.begin(), state_.given.end(), [](const auto& key) { return key.first.starts_with("model.lora."); });
    // What a run without adapters dumps, every key at its default, is not a mistake; a section that was meant is.
    if (lora.rank == 0 && is_given("model.lora") && (!has_keys || lora != LoraSection{}) && !is_given("model.lora.rank"))
      problem("model.lora", "needs model.lora.rank and model.lora.alpha, such as {rank: 16, alpha: 32}");
    if (lora.rank == 0) return;
    if (!is_given("model.lora.alpha")) problem("model.lora", "needs model.lora.alpha: the update is scaled by alpha / rank, and no alpha suits every rank");
    if (lora.targets.empty()) problem("model.lora.targets", "names no module; null gives all-linear");
    if (!config_.model.adapter.empty())
      problem("model.lora", "model.adapter and model.lora exclude one another: the adapter's directory says rank, alpha and targets");
    if (!config_.model.trainable.empty())
      problem("model.trainable", "model.lora trains its adapters and nothing else; choose their places with model.lora.targets");
  }

  void check_router() {
    const ModelSection& model = config_.model;
    if (model.router == Router::frozen && model.router_aux_loss.value_or(0.0) > 0.0)
      problem("model.router_aux_loss", "needs a router that learns: model.router is frozen");
  }

  const RunConfig& config_;
  ReadState& state_;
};

}  // namespace

void check_run_config(const RunConfig& config, ReadState& state) { Checks(config, state).run(); }

std::string explain_unknown_recipe_key(const std::string& path, const std::vector<std::string>& keys_here) {
  for (const LaterKey& later : kLaterKeys)
    if (path == later.path) return std::string(later.feature) + " is not available in this version of the program";
  const std::size_t dot = path.rfind('.');
  const std::string section = dot == std::string::npos ? "" : path.substr(0, dot + 1), key = path.substr(section.size());
  if (const auto meant = nearest(key, keys_here)) return "unknown key; did you mean " + section + *meant + "?";
  // A right key in the wrong place, also when mistyped a little.
  const std::vector<std::string> paths = run_config_key_paths();
  for (const std::string& known : paths)
    if (known.ends_with("." + key)) return "unknown key; did you mean " + known + "?";
  for (const std::string& known : paths)
    if (edit_distance(key, known.substr(known.rfind('.') + 1)) == 1) return "unknown key; did you mean " + known + "?";
  std::string list;
  for (const std::string& valid : keys_here) list += (list.empty() ? "" : ", ") + valid;
  return "unknown key; valid here: " + list;
}

}  // namespace phidias::configs
