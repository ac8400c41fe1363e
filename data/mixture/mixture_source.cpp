#include "data/mixture/mixture_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "data/mixture/tokenise_corpus.h"

namespace phidias::data::mixture {
namespace fs = std::filesystem;
namespace {

// Annotations that any phase asks of a source.
std::vector<std::string> annotations_of(const MixtureConfig& config, const std::string& source) {
  std::set<std::string> names;
  for (const Phase& phase : config.phases)
    for (const auto& [name, entry] : phase.sources)
      if (name == source)
        for (const auto& [annotation, threshold] : entry.where) names.insert(annotation);
  return {names.begin(), names.end()};
}

class Opener {
 public:
  Opener(const MixtureConfig& config, const OpenOptions& options) : config_(config), options_(options) {
    if (options.tokenizer != nullptr) tokenizer_ = options.tokenizer->content_hash().hex();
  }

  MixtureSource open(const std::string& name, const SourceFiles& files) {
    std::vector<TokenShard> shards;
    std::vector<std::string> texts;
    for (const std::string& path : files.path) {
      if (!fs::exists(path)) throw DataError(config_.file + ": sources." + name + ": " + path + ": no such file or folder");
      if (!is_token_directory(path)) {
        texts.push_back(path);
        continue;
      }
      add(name, path, shards);
    }
    if (!texts.empty()) add(name, tokenised(name, texts).string(), shards);
    return {name, std::move(shards)};
  }

 private:
  void add(const std::string& name, const std::string& path, std::vector<TokenShard>& shards) {
    TokenDirectory directory = open_token_directory(path);
    if (tokenizer_.empty()) tokenizer_ = directory.tokenizer;
    if (directory.tokenizer != tokenizer_)
      throw ConfigError(config_.file + ": sources." + name + ": " + path + " was made with another tokenizer than " +
                        (options_.tokenizer != nullptr ? "the run's" : "the other sources") + "; tokenise it anew");
    if (options_.vocab_size > 0 && directory.largest_id >= options_.vocab_size)
      throw ConfigError(config_.file + ": sources." + name + ": " + path + " holds token " + std::to_string(directory.largest_id) +
                        ", the model has ids up to " + std::to_string(options_.vocab_size - 1));
    for (TokenShard& shard : directory.shards) shards.push_back(std::move(shard));
  }

  fs::path tokenised(const std::string& name, const std::vector<std::string>& texts) {
    if (options_.tokenizer == nullptr || options_.cache.empty())
      throw DataError(config_.file + ": sources." + name + ": " + texts.front() + " is no token directory; `phidias data tokenize " + texts.front() +
                      " --model DIR --output DIR` makes one (a run tokenises it itself)");
    const std::vector<std::string> columns = annotations_of(config_, name);
    Hasher key;
    key.update(tokenizer_);
    for (const std::string& text : texts) key.update("\n").update(text);
    for (const std::string& column : columns) key.update("\ncolumn ").update(column);
    const fs::path output = options_.cache / (name + "-" + key.digest().hex().substr(0, 16));
    tokenise_corpus({.inputs = texts,
                     .output = output,
                     .tokenizer = options_.tokenizer,
                     .columns = columns,
                     .communicator = options_.communicator,
                     .progress = options_.progress});
    return output;
  }

  const MixtureConfig& config_;
  const OpenOptions& options_;
  std::string tokenizer_;  // hash that all directories must have
};

}  // namespace

MixtureSource::MixtureSource(std::string name, std::vector<TokenShard> shards) : name_(std::move(name)), shards_(std::move(shards)), first_{0} {
  for (const TokenShard& shard : shards_) first_.push_back(first_.back() + shard.store->documents());
}

std::pair<const TokenShard*, std::int64_t> MixtureSource::locate(std::int64_t document) const {
  const auto shard = static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), document) - first_.begin()) - 1;
  return {&shards_[shard], document - first_[shard]};
}

std::int64_t MixtureSource::length(std::int64_t document) const {
  const auto [shard, index] = locate(document);
  return shard->store->length(index);
}

std::string MixtureSource::describe(std::int64_t document) const {
  const auto [shard, index] = locate(document);
  return shard->store->describe(index);
}

void MixtureSource::forget_columns() {
  for (TokenShard& shard : shards_) shard.columns = ColumnTable();
}

std::vector<MixtureSource> open_sources(const MixtureConfig& config, const OpenOptions& options) {
  Opener opener(config, options);
  std::vector<MixtureSource> sources;
  for (const auto& [name, files] : config.sources) sources.push_back(opener.open(name, files));
  return sources;
}

}  // namespace phidias::data::mixture
