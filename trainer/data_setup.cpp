#include "trainer/data_setup.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "data/dataset.h"
#include "data/mixture/mixture_sampler.h"
#include "data/tokenizers/no_tokenizer.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSmallestMicroBatch = 8192;  // tokens

std::vector<data::WeightedStore> prepare(const std::vector<configs::DataSource>& sources, const data::PrepareOptions& options) {
  data::PrepareReport report;
  std::vector<data::WeightedStore> stores = data::prepare_sources(sources, options, &report);
  log_info(report.summary());
  return stores;
}

// The phases of data.mixture, planned and checked.
std::unique_ptr<data::BatchSource> prepare_mixture(const configs::RunConfig& config, const data::PrepareOptions& options,
                                                   const data::SamplerOptions& sampling) {
  const data::mixture::MixtureConfig mixture = data::mixture::read_mixture_config(config.data.mixture);
  for (const data::mixture::Phase& phase : mixture.phases)
    if (phase.context > config.data.max_length)
      throw ConfigError(config.data.mixture + ": phase " + phase.name + ": a context of " + std::to_string(phase.context) + " is more than data.max_length, " +
                        std::to_string(config.data.max_length));
  const bool in_run = config.data.cache == "auto" || config.data.cache == "memory";
  data::mixture::OpenOptions opening;
  if (data::has_tokenizer(options.tokenizer_directory)) opening.tokenizer = options.tokenizer;
  opening.vocab_size = options.vocab_size;
  opening.cache = (in_run ? options.cache_directory : fs::path(config.data.cache)) / "mixture";
  opening.communicator = options.communicator;
  opening.progress = options.progress;
  data::mixture::MixturePlan plan = data::mixture::plan_mixture(
      mixture, data::mixture::open_sources(mixture, opening), {.seed = config.run.seed, .shuffle = config.data.shuffle, .max_length = config.data.max_length});
  log_info("mixture " + config.data.mixture + "\n" + plan.summary());
  return std::make_unique<data::mixture::MixtureSampler>(std::move(plan), sampling);
}

// Distinct names for metrics: the file's stem, with its number where two files share one.
std::string validation_name(const std::vector<configs::DataSource>& sources, std::size_t index) {
  const std::string stem = fs::path(sources[index].path).stem().string();
  const auto same = std::count_if(sources.begin(), sources.end(), [&](const auto& source) { return fs::path(source.path).stem() == stem; });
  return same > 1 ? stem + "-" + std::to_string(index + 1) : stem;
}

}  // namespace

void resolve_lengths(configs::RunConfig& config, const configs::ModelConfig& model) {
  if (config.data.max_length == 0) config.data.max_length = model.max_positions;
  if (config.data.max_length > model.max_positions)
    throw ConfigError("data.max_length: " + std::to_string(config.data.max_length) + " is more than the model's " + std::to_string(model.max_positions) +
                      " positions");
  if (config.batch.micro_tokens == 0) config.batch.micro_tokens = std::max(config.data.max_length, kSmallestMicroBatch);
  if (config.batch.micro_tokens < config.data.max_length)
    throw ConfigError("batch.micro_tokens: " + std::to_string(config.batch.micro_tokens) + " cannot hold a document of data.max_length " +
                      std::to_string(config.data.max_length) + " tokens");
}

void resolve_stop(configs::RunConfig& config) {
  if (config.data.mixture.empty()) return;
  const std::int64_t tokens = data::mixture::read_mixture_config(config.data.mixture).tokens();
  configs::StopSection& stop = config.stop;
  if (stop.tokens && *stop.tokens > tokens)
    throw ConfigError("stop.tokens: " + std::to_string(*stop.tokens) + " is more than the " + std::to_string(tokens) + " tokens of the phases of " +
                      config.data.mixture);
  if (!stop.tokens) stop.tokens = tokens;
  if (stop.first.empty()) stop.first = "tokens";
}

RunData prepare_data(const configs::RunConfig& config, const configs::ModelConfig& model, const fs::path& tokenizer_directory, parallel::World& world) {
  RunData run;
  run.tokenizer = data::load_tokenizer_if_present(tokenizer_directory);
  if (world.rank() == 0 && run.tokenizer->vocab_size() > model.vocab_size)
    log_warning("the tokenizer knows ids up to " + std::to_string(run.tokenizer->vocab_size() - 1) + ", the model only " + std::to_string(model.vocab_size) +
                " rows");
  data::PrepareOptions options;
  options.tokenizer = run.tokenizer.get();
  options.tokenizer_directory = tokenizer_directory;
  options.data = config.data;
  options.max_length = config.data.max_length;
  options.vocab_size = model.vocab_size;
  options.method = config.method;
  options.cache_directory = fs::path(config.run.output) / "cache";
  options.communicator = &world.host();
  options.progress = world.rank() == 0;

  data::SamplerOptions sampling;
  sampling.seed = config.run.seed;
  sampling.shuffle = config.data.shuffle;
  sampling.batch = config.batch;
  sampling.packing = config.data.packing;
  sampling.original_max_positions = model.has_longrope ? model.original_max_positions : 0;
  sampling.data_rank = world.data_rank();
  sampling.data_size = world.data_size();

  if (config.data.mixture.empty())
    run.batches = std::make_unique<data::Sampler>(prepare(config.data.train, options), sampling);
  else
    run.batches = prepare_mixture(config, options, sampling);
  for (std::size_t i = 0; i < config.data.validation.size(); ++i) {
    const auto stores = prepare({config.data.validation[i]}, options);
    run.validation.push_back({validation_name(config.data.validation, i), data::SinglePass(stores.front().store, sampling, config.evaluation.max_documents)});
  }
  return run;
}

}  // namespace phidias::trainer
