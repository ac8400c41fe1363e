#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/signals.h"
#include "data/pipeline/pipeline.h"
#include "launch/commands.h"
#include "parallel/world.h"
#include "report/data_report.h"

namespace phidias::launch {
namespace {

constexpr double kPatienceSeconds = 365.0 * 86400;

int exit_code(int signal) { return 128 + signal; }

std::string volume(const Json& counts) {
  std::string text = std::to_string(counts.at("documents").get<std::int64_t>()) + " (" + format_bytes(counts.at("bytes").get<double>());
  if (!counts.at("tokens").is_null()) text += ", " + std::to_string(counts.at("tokens").get<std::int64_t>()) + " tokens";
  return text + ")";
}

// A condition that nothing fits is more often a mistake than meant.
void warn_of_idle_stages(const Json& manifest) {
  std::int64_t before = 0;
  for (const Json& stage : manifest.at("stages")) {
    const auto in = stage.at("documents_in").get<std::int64_t>();
    if (in == 0 && before > 0)
      log_warning("stage " + stage.at("name").get<std::string>() + " has seen no document: does its `when` fit any (language needs a stage that finds it)?");
    if (in > 0) before = stage.at("documents_out").get<std::int64_t>();
  }
}

void tell(const Json& manifest, const std::filesystem::path& report) {
  const Json& documents = manifest.at("documents");
  log_info("documents in " + std::to_string(documents.at("in").get<std::int64_t>()) + ": kept " + volume(documents.at("kept")) + ", dropped " +
           volume(documents.at("dropped")) + ", failed " + std::to_string(documents.at("failed").get<std::int64_t>()));
  if (const auto passed = documents.at("passed_over").get<std::int64_t>(); passed > 0)
    log_info("  passed over: " + std::to_string(passed) + " responses that are no pages or no success");
  for (const Json& stage : manifest.at("stages"))
    for (const Json& rule : stage.at("rules"))
      log_info("  " + stage.at("name").get<std::string>() + "." + rule.at("rule").get<std::string>() + ": " + volume(rule));
  if (const auto failed = documents.at("failed").get<std::int64_t>(); failed > 0)
    log_info(std::to_string(failed) + (failed == 1 ? " document" : " documents") + " could not be read: " + (report.parent_path() / "errors.jsonl").string());
  warn_of_idle_stages(manifest);
  log_info("report: " + report.string());
}

}  // namespace

int run_data(const DataRunCommand& command, const Invocation& invocation, parallel::World& world, const data::pipeline::ModelServices* models) {
  const data::pipeline::PipelineConfig config = data::pipeline::read_pipeline_config(command.pipeline, command.overrides);
  if (data::pipeline::needs_model(config) && models == nullptr) throw ConfigError("a stage of this pipeline needs a model: run it with phidias-engine");
  // Ranks wait for the one with the most work, for hours; one that died is found by its heartbeat.
  world.set_timeout(kPatienceSeconds);
  const SignalWatch signals;
  const data::pipeline::PipelineOutcome outcome = data::pipeline::run_pipeline(config, {.group = &world.host(),
                                                                                        .local_ranks = world.local_size(),
                                                                                        .models = models,
                                                                                        .version = PHIDIAS_VERSION,
                                                                                        .progress = !invocation.json && !invocation.quiet,
                                                                                        .stop_signal = [&signals] { return signals.received(); }});
  if (world.rank() != 0) return outcome.signal == 0 ? 0 : exit_code(outcome.signal);
  if (outcome.signal != 0) {
    log_info("stopped; what is finished is kept, and the same command goes on from here");
    return exit_code(outcome.signal);
  }
  if (outcome.was_finished) log_info(outcome.manifest + ": finished before; nothing to do (work.resume=false begins again)");
  const std::filesystem::path report = report::write_data_report(config.output);
  const Json manifest = read_json(outcome.manifest);
  if (invocation.json)
    std::printf("%s\n", manifest.dump().c_str());
  else
    tell(manifest, report);
  return 0;
}

}  // namespace phidias::launch
