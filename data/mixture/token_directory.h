// Tokenised shards in a folder: one token store and one table of annotations per input shard, and a manifest that names them with their hashes.
//
//   TokenDirectory tokens = open_token_directory("runs/corpus/tokens");
//   tokens.shards[0].store->document(17), tokens.shards[0].columns.find("education.score")
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/mixture/column_table.h"
#include "data/token_store.h"

namespace phidias::data::mixture {

inline constexpr const char* kTokenManifest = "manifest.json";

struct TokenShard {
  std::shared_ptr<const TokenStore> store;
  ColumnTable columns;  // as many rows as the store has documents
};

struct TokenDirectory {
  std::string tokenizer;        // hash of its content
  std::int64_t largest_id = 0;  // token id in any document
  std::vector<std::string> columns;
  std::vector<TokenShard> shards;
};

bool is_token_directory(const std::filesystem::path& path);
// Throws DataError: no manifest, a file missing or damaged, or not the one that the manifest names.
TokenDirectory open_token_directory(const std::filesystem::path& path);

}  // namespace phidias::data::mixture
