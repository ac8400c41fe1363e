#include "data/mixture/token_directory.h"

#include "base/error.h"
#include "base/json.h"

namespace phidias::data::mixture {
namespace fs = std::filesystem;

bool is_token_directory(const fs::path& path) { return fs::is_regular_file(path / kTokenManifest); }

TokenDirectory open_token_directory(const fs::path& path) {
  const fs::path file = path / kTokenManifest;
  if (!fs::exists(file)) throw DataError(path.string() + ": no " + kTokenManifest + " there; `phidias data tokenize` makes token directories");
  TokenDirectory directory;
  try {
    const Json manifest = read_json(file);
    if (manifest.value("format", "") != "phidias tokens 1") throw DataError(file.string() + ": not the manifest of a token directory");
    directory.tokenizer = manifest.at("tokenizer").get<std::string>();
    directory.largest_id = manifest.at("largest_id").get<std::int64_t>();
    directory.columns = manifest.at("columns").get<std::vector<std::string>>();
    for (const Json& entry : manifest.at("shards")) {
      const fs::path name = entry.at("name").get<std::string>();
      if (name.has_parent_path()) throw DataError(file.string() + ": a shard outside of the folder: " + name.string());
      const auto tokens = (path / name).string() + ".tokens", columns = (path / name).string() + ".columns";
      TokenShard shard{.store = TokenStore::open(tokens), .columns = {}};
      StoredColumns stored = read_columns(columns);
      const auto check = [&](const std::string& what, const Hash128& hash, const char* key) {
        if (hash.hex() != entry.at(key).get<std::string>()) throw DataError(what + ": not the file that " + file.string() + " names; tokenise again");
      };
      check(tokens, shard.store->content_hash(), "tokens_hash");
      check(columns, stored.content_hash, "columns_hash");
      if (stored.table.documents() != shard.store->documents()) throw DataError(columns + ": not of the documents of " + tokens);
      shard.columns = std::move(stored.table);
      directory.shards.push_back(std::move(shard));
    }
  } catch (const Json::exception& error) {
    throw DataError(file.string() + ": " + error.what());
  }
  return directory;
}

}  // namespace phidias::data::mixture
