// One source of a mixture: the documents of all of its shards under one numbering.
//
//   std::vector<MixtureSource> sources = open_sources(config, {.tokenizer = tokenizer.get(), .cache = "runs/mine/cache"});
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/micro_batch.h"
#include "data/mixture/mixture_config.h"
#include "data/mixture/token_directory.h"
#include "data/tokenizers/tokenizer.h"
#include "parallel/communicator.h"

namespace phidias::data::mixture {

class MixtureSource {
 public:
  MixtureSource(std::string name, std::vector<TokenShard> shards);
  const std::string& name() const { return name_; }
  const std::vector<TokenShard>& shards() const { return shards_; }
  std::int64_t documents() const { return first_.back(); }
  // The shard and the index in it of a document from 0 to documents() - 1.
  std::pair<const TokenShard*, std::int64_t> locate(std::int64_t document) const;
  std::int64_t length(std::int64_t document) const;
  std::string describe(std::int64_t document) const;
  // Of one shard's first document.
  std::int64_t first_document(std::size_t shard) const { return first_[shard]; }
  // Annotations are needed for planning alone.
  void forget_columns();

 private:
  std::string name_;
  std::vector<TokenShard> shards_;
  std::vector<std::int64_t> first_;  // of each shard, and the sum
};

struct OpenOptions {
  const Tokenizer* tokenizer = nullptr;            // null: token directories alone, made by any one tokenizer
  std::int64_t vocab_size = 0;                     // rows of the model's embedding; 0: not checked
  std::filesystem::path cache;                     // where JSON lines are tokenised; empty: refused
  parallel::Communicator* communicator = nullptr;  // null: this process alone
  bool progress = false;
};

// Collective. In the order of the file. Throws DataError: not there, damaged, JSON lines without tokenizer and cache; ConfigError: made by another tokenizer,
// or ids that the model does not have.
std::vector<MixtureSource> open_sources(const MixtureConfig& config, const OpenOptions& options);

}  // namespace phidias::data::mixture
