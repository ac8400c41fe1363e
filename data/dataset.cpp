#include "data/dataset.h"

#include <chrono>
#include <map>
#include <tuple>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/record_encoder.h"
#include "data/source_tokeniser.h"

namespace phidias::data {
namespace {

// All ranks' texts in rank order; this process alone when there is no communicator.
std::vector<std::string> gather(parallel::Communicator* group, const std::string& text) {
  return group != nullptr ? parallel::all_gather_strings(*group, text) : std::vector<std::string>{text};
}

// Ends on every rank alike when any rank failed: "" or the message of its failure.
void agree(parallel::Communicator* group, const std::string& failure) {
  for (const std::string& text : gather(group, failure)) {
    if (!text.empty()) throw DataError(text);
  }
}

// Of "line:message" texts the one with the smallest line; empty when none.
std::string earliest(parallel::Communicator* group, std::int64_t line, const std::string& message) {
  std::int64_t best = -1;
  std::string result;
  for (const std::string& text : gather(group, line < 0 ? "" : std::to_string(line) + ":" + message)) {
    if (text.empty()) continue;
    const std::size_t colon = text.find(':');
    const std::int64_t at = std::stoll(text.substr(0, colon));
    if (best < 0 || at < best) std::tie(best, result) = std::pair(at, text.substr(colon + 1));
  }
  return result;
}

std::string kind_name(const std::vector<std::string>& kinds) {
  std::string seen;
  for (const std::string& of_rank : kinds) {
    for (const char letter : of_rank) {
      if (seen.find(letter) == std::string::npos) seen += letter;
    }
  }
  if (seen.size() != 1) return seen.empty() ? "none" : "mixed";
  return std::string(to_string(static_cast<RecordKind>(seen[0] - 'a')));
}

class Preparer {
 public:
  Preparer(const PrepareOptions& options, const EncoderOptions& encoder) : options_(options), encoder_(encoder), group_(options.communicator) {
    rank_ = group_ != nullptr ? group_->rank() : 0;
    ranks_ = group_ != nullptr ? group_->size() : 1;
  }

  std::shared_ptr<const TokenStore> prepare(const configs::DataSource& source, bool& from_cache) {
    const std::filesystem::path cache = cache_directory(source);
    StoreMeta meta{.source = source.path, .kind = {}, .key = {}, .first_skipped = {}, .counters = {}};
    if (cache.empty()) return tokenise(source, {}, std::move(meta));
    meta.key = key(source);
    const std::filesystem::path file = cache / (meta.key + ".tokens");
    if (auto store = open_cached(file)) {
      from_cache = true;
      return store;
    }
    return tokenise(source, file, std::move(meta));
  }

 private:
  // Empty: keep in memory. Decided on rank 0, whose view of the file counts.
  std::filesystem::path cache_directory(const configs::DataSource& source) {
    std::error_code missing;
    const bool is_folder = std::filesystem::is_directory(source.path, missing);
    const auto bytes = is_folder ? 0 : static_cast<std::int64_t>(std::filesystem::file_size(source.path, missing));
    agree(group_, is_folder ? source.path + ": a folder; name the file itself (JSONL, .gz, .zst or Parquet)" : "");
    agree(group_,
          missing ? source.path + ": " + missing.message() + (rank_ > 0 ? " (on rank " + std::to_string(rank_) + "; every host needs the file)" : "") : "");
    if (options_.data.cache == "memory") return {};
    if (options_.data.cache != "auto") return options_.data.cache;
    const bool compressed = source.path.ends_with(".gz") || source.path.ends_with(".zst");
    return (compressed ? 4 * bytes : bytes) <= options_.memory_bytes ? std::filesystem::path() : options_.cache_directory;
  }

  std::string key(const configs::DataSource& source) {
    std::string text;
    if (rank_ == 0) {
      const configs::DataSection& data = options_.data;
      Hasher hasher;
      hasher.update("tokens 1 ").update(hash_file(source.path).hex()).update(options_.tokenizer->content_hash().hex());
      hasher.update(encoder_.chat_template ? encoder_.chat_template->name() : "no template").update(source.kind);
      for (const std::int64_t value :
           {static_cast<std::int64_t>(data.train_on), static_cast<std::int64_t>(data.over_length), static_cast<std::int64_t>(data.special_tokens_in_content),
            static_cast<std::int64_t>(data.on_error), options_.max_length, options_.vocab_size}) {
        hasher.update(&value, sizeof(value));
      }
      text = hasher.digest().hex();
    }
    return group_ != nullptr ? parallel::broadcast_string(*group_, text) : text;
  }

  // Null when any rank lacks it or finds it damaged.
  std::shared_ptr<const TokenStore> open_cached(const std::filesystem::path& file) {
    std::shared_ptr<const TokenStore> store;
    if (std::filesystem::exists(file)) {
      try {
        store = TokenStore::open(file);
      } catch (const DataError& error) {
        log_warning(error.what());
      }
    }
    for (const std::string& opened : gather(group_, store ? "1" : "0")) {
      if (opened == "0") return nullptr;
    }
    return store;
  }

  std::shared_ptr<const TokenStore> tokenise(const configs::DataSource& source, const std::filesystem::path& file, StoreMeta meta) {
    const std::filesystem::path part = file.string() + ".part-" + std::to_string(rank_);
    std::string bytes, failure;
    SourceShare share;
    try {
      std::optional<AtomicFile> out;
      if (!file.empty()) {
        std::filesystem::create_directories(file.parent_path());
        out.emplace(part);
      }
      SourceTokeniser tokeniser(
          source, encoder_, {.rank = rank_, .ranks = ranks_, .threads = options_.threads, .on_error = options_.data.on_error, .progress = options_.progress});
      share = tokeniser.run([&](const std::string& block) { out ? out->write(block) : void(bytes += block); });
      if (out && share.error.empty()) out->commit();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    agree(group_, failure);
    if (const std::string error = earliest(group_, share.error_line, share.error); !error.empty()) {
      std::filesystem::remove(part);
      throw DataError(error);
    }
    meta.first_skipped = earliest(group_, share.skipped_line, share.skipped);
    meta.kind = kind_name(gather(group_, share.kinds));
    if (file.empty()) return assemble(gather(group_, bytes), {}, std::move(meta));

    failure.clear();
    if (rank_ == 0) {
      try {
        merge_parts(file, std::move(meta));
      } catch (const std::exception& error) {
        failure = error.what();
      }
    }
    agree(group_, failure);
    std::filesystem::remove(part);
    std::shared_ptr<const TokenStore> store;
    try {
      store = TokenStore::open(file);
    } catch (const DataError& error) {
      failure = std::string(error.what()) +
                (rank_ > 0 ? " (on rank " + std::to_string(rank_) + "; data.cache must be on a file system that all hosts share, or memory)" : "");
    }
    agree(group_, failure);
    return store;
  }

  void merge_parts(const std::filesystem::path& file, StoreMeta meta) {
    std::vector<MappedFile> parts;
    std::vector<std::string_view> texts;
    for (int r = 0; r < ranks_; ++r) {
      const std::filesystem::path part = file.string() + ".part-" + std::to_string(r);
      if (!std::filesystem::exists(part))
        throw DataError(part.string() + ": rank " + std::to_string(r) +
                        "'s part is not here; data.cache must be on a file system that all hosts share, or memory");
      parts.emplace_back(part);
    }
    for (const MappedFile& part : parts) texts.push_back(part.text());
    assemble(texts, file, std::move(meta));
  }

  // The blocks of all ranks in the order of the source: into memory, or into `file` (null then).
  template <typename Texts>
  std::shared_ptr<const TokenStore> assemble(const Texts& texts, const std::filesystem::path& file, StoreMeta meta) {
    std::map<std::int64_t, TokenBlockView> ordered;
    for (const auto& text : texts) {
      for (const SerialisedBlock& block : read_serialised_blocks(text)) {
        ordered[block.index] = block.view;
        meta.counters += block.counters;
      }
    }
    std::vector<TokenBlockView> blocks;
    for (const auto& [index, view] : ordered) blocks.push_back(view);
    if (file.empty()) return TokenStore::in_memory(blocks, std::move(meta));
    TokenStore::write(file, blocks, meta);
    return nullptr;
  }

  const PrepareOptions& options_;
  const EncoderOptions& encoder_;
  parallel::Communicator* group_;
  int rank_ = 0, ranks_ = 1;
};

EncoderOptions encoder_options(const PrepareOptions& options) {
  EncoderOptions encoder{.tokenizer = options.tokenizer, .chat_template = {}, .no_template_reason = {}};
  encoder.train_on = options.data.train_on;
  encoder.over_length = options.data.over_length;
  encoder.inside = inside_content(options.data.special_tokens_in_content);
  encoder.max_length = options.max_length;
  encoder.vocab_size = options.vocab_size;
  try {
    encoder.chat_template = ChatTemplate::choose(options.data.chat_template, options.tokenizer_directory, *options.tokenizer);
    encoder.chat_template->check_tokens(*options.tokenizer);
  } catch (const DataError& error) {  // matters only when a chat record comes
    encoder.chat_template.reset();
    encoder.no_template_reason = error.what();
  }
  return encoder;
}

}  // namespace

std::vector<WeightedStore> prepare_sources(const std::vector<configs::DataSource>& sources, const PrepareOptions& options, PrepareReport* report) {
  if (options.method != configs::Method::pretrain && options.method != configs::Method::sft) {
    throw ConfigError("method: only pretrain and sft prepare their data as single documents");
  }
  for (const configs::DataSource& source : sources) record_kind_from(source.kind);
  const EncoderOptions encoder = encoder_options(options);
  if (report != nullptr) report->chat_template = encoder.chat_template ? encoder.chat_template->name() : "";
  Preparer preparer(options, encoder);
  std::vector<WeightedStore> stores;
  for (const configs::DataSource& source : sources) {
    const auto start = std::chrono::steady_clock::now();
    bool from_cache = false;
    std::shared_ptr<const TokenStore> store = preparer.prepare(source, from_cache);
    const StoreMeta& meta = store->meta();
    if (report != nullptr) {
      report->sources.push_back({source.path, meta.kind, store->documents(), store->tokens(), store->target_tokens(), meta.counters, meta.first_skipped,
                                 from_cache, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    }
    if (store->documents() == 0) {
      throw DataError(source.path + ": no document to train on (" + std::to_string(meta.counters.records) + " records read, " +
                      std::to_string(meta.counters.dropped_no_target) + " without a target, " + std::to_string(meta.counters.dropped_long) +
                      " longer than max_length, " + std::to_string(meta.counters.skipped) + " bad lines)");
    }
    stores.push_back({std::move(store), source.weight});
  }
  return stores;
}

std::string PrepareReport::summary() const {
  std::string text;
  const auto note = [&](std::int64_t count, const std::string& what) {
    if (count > 0) text += "\n  " + std::to_string(count) + " " + what;
  };
  for (const SourceReport& source : sources) {
    if (!text.empty()) text += '\n';
    text += source.path + ": " + std::to_string(source.documents) + " documents (" + source.kind + "), " + std::to_string(source.tokens) + " tokens, " +
            std::to_string(source.target_tokens) + " of them targets, " + (source.from_cache ? "from the cache" : "tokenised") + " in " +
            format_duration(source.seconds);
    const PrepareCounters& counters = source.counters;
    note(counters.skipped, "bad lines skipped, the first: " + source.first_skipped);
    note(counters.split, "records longer than data.max_length split");
    note(counters.truncated, "records longer than data.max_length cut on the right");
    note(counters.dropped_long, "records longer than data.max_length dropped");
    note(counters.dropped_no_target, "documents dropped because nothing in them is trained");
    note(counters.forged_specials, "special tokens written out inside contents (data.special_tokens_in_content says what becomes of them)");
    note(counters.system_left_out, "system messages left out by the chat template " + chat_template);
  }
  return text;
}

}  // namespace phidias::data
