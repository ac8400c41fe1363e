#include "data/mixture/tokenise_corpus.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/progress.h"
#include "configs/nearest.h"
#include "data/line_blocks.h"
#include "data/mixture/kept_line.h"
#include "data/mixture/token_directory.h"
#include "data/record_encoder.h"

namespace phidias::data::mixture {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kBlockBytes = 4 << 20, kProgressBytes = 64 << 20;

struct Shard {
  fs::path input;
  std::string name;  // of its files in the directory, without ending
};

// What one thread makes of a block of lines.
struct ShardPart {
  explicit ShardPart(const std::vector<std::string>& columns) : table(columns) {}
  TokenBlock tokens;
  ColumnTable table;
  std::int64_t lines = 0, not_kept = 0;
};

bool is_corpus_file(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const char* ending : {".jsonl", ".jsonl.gz", ".jsonl.zst"})
    if (name.ends_with(ending)) return true;
  return false;
}

std::vector<Shard> list_shards(const std::vector<std::string>& inputs) {
  std::vector<Shard> shards;
  for (const std::string& input : inputs) {
    std::vector<fs::path> files;
    if (fs::is_directory(input)) {
      for (const auto& entry : fs::recursive_directory_iterator(input))
        if (entry.is_regular_file() && is_corpus_file(entry.path())) files.push_back(entry.path());
      if (files.empty()) throw DataError(input + ": no .jsonl, .jsonl.gz or .jsonl.zst file in that folder");
      std::sort(files.begin(), files.end());
    } else {
      if (!fs::exists(input)) throw DataError(input + ": no such file or folder");
      files.emplace_back(input);
    }
    for (const fs::path& file : files) {
      char number[16];
      std::snprintf(number, sizeof(number), "%05zu-", shards.size());
      const std::string name = file.filename().string();
      shards.push_back({file, number + name.substr(0, name.find('.'))});
    }
  }
  return shards;
}

// Lines that these columns are read from, `source` and `language` included.
std::vector<std::string> with_standard_columns(std::vector<std::string> columns) {
  for (const char* name : {"source", "language"})
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.emplace_back(name);
  return columns;
}

class CorpusTokeniser {
 public:
  explicit CorpusTokeniser(const TokeniseOptions& options)
      : options_(options), columns_(with_standard_columns(options.columns)), shards_(list_shards(options.inputs)) {
    rank_ = options.communicator != nullptr ? options.communicator->rank() : 0;
    ranks_ = options.communicator != nullptr ? options.communicator->size() : 1;
    threads_ = options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / ranks_);
    encoder_.tokenizer = options.tokenizer;
    encoder_.max_length = options.max_length > 0 ? options.max_length : std::numeric_limits<std::int32_t>::max();
    Hasher settings;
    settings.update("corpus 1 ").update(options.tokenizer->content_hash().hex()).update(std::to_string(encoder_.max_length));
    for (const std::string& column : columns_) settings.update("\n").update(column);
    settings_ = settings.digest().hex();
  }

  TokeniseReport run() {
    std::string failure;
    ExitCode code = ExitCode::data;
    try {
      fs::create_directories(options_.output);
      for (std::size_t i = 0; i < shards_.size(); ++i)
        if (static_cast<int>(i % static_cast<std::size_t>(ranks_)) == rank_) tokenise(shards_[i]);
    } catch (const Error& error) {
      failure = error.what();
      code = error.code();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    agree(failure, code);
    failure.clear();
    if (rank_ == 0) {
      try {
        write_manifest();
        for (const auto& entry : fs::directory_iterator(options_.output))  // of starts that were killed
          if (entry.path().filename().string().find(".tmp-") != std::string::npos) fs::remove(entry.path());
      } catch (const Error& error) {
        failure = error.what();
        code = error.code();
      } catch (const std::exception& error) {
        failure = error.what();
      }
    }
    agree(failure, code);
    return report_;
  }

 private:
  void agree(const std::string& failure, ExitCode code) const {
    std::vector<std::string> failures = {failure};
    if (options_.communicator != nullptr) failures = parallel::all_gather_strings(*options_.communicator, failure);
    for (const std::string& text : failures) {
      if (text.empty()) continue;
      if (code == ExitCode::usage) throw ConfigError(text);
      throw DataError(text);
    }
  }

  fs::path file_of(const Shard& shard, const char* ending) const { return options_.output / (shard.name + ending); }

  void tokenise(const Shard& shard) {
    ++report_.shards;
    const std::string key = settings_ + " " + hash_file(shard.input).hex();
    if (is_finished(shard, key)) {
      ++report_.shards_found;
      return;
    }
    std::vector<ShardPart> parts;
    LineBlocks blocks(shard.input, kBlockBytes);
    Progress progress("tokenise " + shard.input.filename().string(), blocks.file_bytes(), "MB", 1e6,
                      options_.progress && rank_ == 0 && blocks.file_bytes() > kProgressBytes);
    for (bool more = true; more;) {
      std::vector<LineBlock> wave;
      while (static_cast<int>(wave.size()) < threads_ && more) {
        std::optional<LineBlock> block = blocks.next();
        more = block.has_value();
        if (more) wave.push_back(std::move(*block));
      }
      for (ShardPart& part : tokenise(shard, wave)) parts.push_back(std::move(part));
      progress.update(blocks.bytes_read());
    }
    progress.finish();
    write(shard, key, parts);
  }

  std::vector<ShardPart> tokenise(const Shard& shard, const std::vector<LineBlock>& wave) const {
    std::vector<ShardPart> parts(wave.size(), ShardPart(columns_));
    std::vector<std::exception_ptr> failures(wave.size());
    const auto work = [&](std::size_t i) {
      try {
        tokenise(shard, wave[i], parts[i]);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < wave.size(); ++i) threads.emplace_back(work, i);
      if (!wave.empty()) work(0);
    }
    for (const std::exception_ptr& failure : failures)
      if (failure) std::rethrow_exception(failure);
    return parts;
  }

  void tokenise(const Shard& shard, const LineBlock& lines, ShardPart& part) const {
    KeptLineParser parser(columns_);
    RecordEncoder encoder(encoder_);
    Record record;
    const auto at_line = [&](std::int64_t line, const auto& work) {
      try {
        work();
      } catch (const DataError& error) {
        throw DataError(shard.input.string() + ":" + std::to_string(line) + ": " + error.what());
      }
    };
    if (lines.oversized_bytes > 0)
      at_line(lines.first_line, [] { throw DataError("the line is longer than " + std::to_string(kMaxLineBytes >> 20) + " MiB"); });
    for_each_line(lines, [&](std::int64_t number, std::string_view text) {
      at_line(number, [&] {
        const KeptLine& line = parser.parse(text);
        ++part.lines;
        part.not_kept += line.kept ? 0 : 1;
        if (!line.kept) return;
        const std::size_t before = part.tokens.view().entries.size();
        record.text = line.text;
        encoder.encode(record, number, part.tokens);
        const auto documents = static_cast<std::int64_t>(part.tokens.view().entries.size() - before);
        part.table.add(line.id, line.text_hash, line.values, documents);
      });
    });
  }

  // Both files are there, whole, and made of this input. Those of other settings are never mixed with, nor written over.
  bool is_finished(const Shard& shard, const std::string& key) const {
    const fs::path tokens = file_of(shard, ".tokens"), columns = file_of(shard, ".columns");
    if (!fs::exists(tokens) || !fs::exists(columns)) return false;
    try {
      const std::string found = read_columns(columns).key;
      if (!found.starts_with(settings_))
        throw ConfigError(columns.string() + ": made with another tokenizer, max_length or other columns; choose another --output, or remove the folder");
      return found == key && TokenStore::open(tokens)->meta().key == key;
    } catch (const DataError&) {
      return false;
    }
  }

  void write(const Shard& shard, const std::string& key, const std::vector<ShardPart>& parts) {
    StoreMeta meta{.source = shard.input.string(), .kind = "text", .key = key, .first_skipped = {}, .counters = {}};
    std::vector<TokenBlockView> views;
    ColumnTable table(columns_);
    for (const ShardPart& part : parts) {
      views.push_back(part.tokens.view());
      table.append(part.table);
      meta.counters += part.tokens.counters;
      report_.lines += part.lines;
      report_.not_kept += part.not_kept;
    }
    fs::remove(file_of(shard, ".columns"));  // the table comes last: with it a shard is finished
    TokenStore::write(file_of(shard, ".tokens"), views, meta);
    table.write(file_of(shard, ".columns"), key);
  }

  void write_manifest() {
    OrderedJson shards = OrderedJson::array();
    std::int32_t largest_id = 0;
    std::set<std::string> never(options_.columns.begin(), options_.columns.end());
    for (const Shard& shard : shards_) {
      const auto store = TokenStore::open(file_of(shard, ".tokens"));
      const StoredColumns columns = read_columns(file_of(shard, ".columns"));
      for (std::int64_t d = 0; d < store->documents(); ++d)
        for (const std::int32_t id : store->document(d).ids) largest_id = std::max(largest_id, id);
      for (const Column& column : columns.table.columns())
        if (column.type != Column::Type::unknown) never.erase(column.name);
      report_.documents += store->documents();
      report_.tokens += store->tokens();
      shards.push_back({{"name", shard.name},
                        {"input", shard.input.string()},
                        {"documents", store->documents()},
                        {"tokens", store->tokens()},
                        {"records", store->meta().counters.records},
                        {"tokens_hash", store->content_hash().hex()},
                        {"columns_hash", columns.content_hash.hex()}});
    }
    never.erase("");  // `--columns ""`: none
    if (!never.empty() && report_.documents > 0) refuse_columns(never);
    const OrderedJson manifest = {{"format", "phidias tokens 1"}, {"tokenizer", options_.tokenizer->content_hash().hex()},
                                  {"largest_id", largest_id},     {"max_length", options_.max_length},
                                  {"columns", columns_},          {"documents", report_.documents},
                                  {"tokens", report_.tokens},     {"shards", std::move(shards)}};
    write_file_atomic(options_.output / kTokenManifest, manifest.dump(1) + "\n");
  }

  // Annotations of the first documents of each shard.
  std::vector<std::string> names_seen() const {
    constexpr std::int64_t kLookedAt = 100;
    std::set<std::string> names;
    KeptLineParser parser(columns_);
    for (const Shard& shard : shards_) {
      const std::optional<LineBlock> block = LineBlocks(shard.input, kBlockBytes).next();
      std::int64_t looked_at = 0;
      if (block)
        for_each_line(*block, [&](std::int64_t, std::string_view text) {
          if (++looked_at <= kLookedAt)
            for (std::string& name : parser.names(text)) names.insert(std::move(name));
        });
    }
    return {names.begin(), names.end()};
  }

  [[noreturn]] void refuse_columns(const std::set<std::string>& never) const {
    const std::vector<std::string> seen = names_seen();
    std::string message, valid;
    for (const std::string& name : never) message += "--columns " + name + ": no document has this annotation" + configs::suggestion(name, seen) + "\n";
    for (const std::string& name : seen) valid += (valid.empty() ? "" : ", ") + name;
    throw ConfigError(message + "the first documents have: " + (valid.empty() ? "none" : valid) + "\nremove " + options_.output.string() +
                      " and start again with the right columns");
  }

  const TokeniseOptions& options_;
  std::vector<std::string> columns_;
  std::vector<Shard> shards_;
  EncoderOptions encoder_;
  std::string settings_;
  int rank_ = 0, ranks_ = 1, threads_ = 1;
  TokeniseReport report_;
};

}  // namespace

TokeniseReport tokenise_corpus(const TokeniseOptions& options) {
  if (options.tokenizer == nullptr) throw ConfigError("tokenising needs a tokenizer");
  if (options.max_length != 0 && options.max_length < 2) throw ConfigError("max_length: a document needs at least 2 tokens (0: no limit)");
  return CorpusTokeniser(options).run();
}

}  // namespace phidias::data::mixture
