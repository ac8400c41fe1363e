#include "trainer/data_setup.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "data/dataset.h"
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

  run.sampler = std::make_unique<data::Sampler>(prepare(config.data.train, options), sampling);
  for (std::size_t i = 0; i < config.data.validation.size(); ++i) {
    const auto stores = prepare({config.data.validation[i]}, options);
    run.validation.push_back({validation_name(config.data.validation, i), data::SinglePass(stores.front().store, sampling, config.evaluation.max_documents)});
  }
  return run;
}

}  // namespace phidias::trainer
