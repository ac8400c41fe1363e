// Kept shards (JSON lines, also .gz and .zst) to a token directory: each shard becomes a token store with its table of annotations, the manifest comes last.
//
//   TokeniseReport report = tokenise_corpus({.inputs = {"runs/corpus/kept"}, .output = "runs/corpus/tokens", .tokenizer = tokenizer.get(), ...});
//
// Texts are encoded as text records are (eos appended, longer ones split). Shards that an earlier start finished are passed over; the result does not depend on
// threads or ranks. Lines that a pipeline wrote as dropped are left out and counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/tokenizers/tokenizer.h"
#include "parallel/communicator.h"

namespace phidias::data::mixture {

struct TokeniseOptions {
  std::vector<std::string> inputs;  // files, or folders (all .jsonl, .jsonl.gz and .jsonl.zst below them, by name)
  std::filesystem::path output;     // created
  const Tokenizer* tokenizer = nullptr;
  std::vector<std::string> columns;                // annotations to keep; `source` and `language` always are
  std::int64_t max_length = 0;                     // tokens of a document; 0: no limit
  int threads = 0;                                 // 0: cores / ranks
  parallel::Communicator* communicator = nullptr;  // host memory; null: this process alone. Ranks take shards in turn and share `output`
  bool progress = false;
};

struct TokeniseReport {
  std::int64_t shards = 0, shards_found = 0;  // found: finished by an earlier start
  std::int64_t lines = 0, not_kept = 0;       // not_kept: written as dropped
  std::int64_t documents = 0, tokens = 0;     // of the whole directory
};

// Collective. Throws DataError ("file:line: what") for a line that cannot be read; ConfigError when the folder holds shards made with other settings,
// or at the end, before the manifest is written, when no document at all has one of the columns.
TokeniseReport tokenise_corpus(const TokeniseOptions& options);

}  // namespace phidias::data::mixture
