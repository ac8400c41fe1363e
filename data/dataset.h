// Before step 0: each source of a recipe becomes a token store, tokenised once by all ranks together.
//
//   PrepareReport report;
//   std::vector<WeightedStore> stores = prepare_sources(config.data.train, options, &report);
//   log_info(report.summary());
//   Sampler sampler(stores, sampler_options);
//
// Files are cut into blocks of lines; rank r takes every size-th block, with several threads. The result does not depend on the number of ranks or threads.
// Small sources stay in memory; large ones become a file in the cache directory, found again by the hash of file contents, tokenizer, template and options.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/chat_template.h"
#include "data/sampler.h"
#include "data/token_store.h"
#include "data/tokenizers/tokenizer.h"
#include "parallel/communicator.h"

namespace phidias::data {

struct PrepareOptions {
  const Tokenizer* tokenizer = nullptr;       // required
  std::filesystem::path tokenizer_directory;  // where data.template: auto looks
  configs::DataSection data;                  // template, train_on, over_length, special_tokens_in_content, on_error, cache; sources are not read
  std::int64_t max_length = 0;                // tokens of a document, > 1: data.max_length or the model's max_positions
  std::int64_t vocab_size = 0;                // ids of `tokens` records stay below it: the model's rows; 0: the tokenizer's
  configs::Method method = configs::Method::sft;
  std::filesystem::path cache_directory;           // for data.cache: auto; empty: memory always
  parallel::Communicator* communicator = nullptr;  // host memory; null: this process alone
  int threads = 0;                                 // per rank; 0: cores / ranks
  std::int64_t memory_bytes = 256 << 20;           // data.cache: auto keeps sources of up to this many (uncompressed: four times the file's) bytes in memory
  bool progress = false;                           // a progress line on rank 0
};

struct SourceReport {
  std::string path, kind;
  std::int64_t documents = 0, tokens = 0, target_tokens = 0;
  PrepareCounters counters;
  std::string first_skipped;  // "train.jsonl:17: not valid JSON ..."
  bool from_cache = false;
  double seconds = 0;
};

struct PrepareReport {
  std::string chat_template;  // the name chosen; empty without one
  std::vector<SourceReport> sources;
  // One line per source, and one per count that a user should know of (cut, dropped, skipped, forged).
  std::string summary() const;
};

// Collective. Every rank throws the same DataError ("file:line: what"), for the first bad line of the file. Throws ConfigError for an unknown kind or template,
// DataError when a source ends up without a single document.
std::vector<WeightedStore> prepare_sources(const std::vector<configs::DataSource>& sources, const PrepareOptions& options, PrepareReport* report = nullptr);

}  // namespace phidias::data
