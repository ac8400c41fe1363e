// Sources of a mixture made in memory: documents of given lengths with an id, a text hash and a score each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/mixture/mixture_plan.h"

namespace phidias::data::mixture {

struct MadeDocument {
  std::int64_t length = 10;
  std::uint64_t id = 0;
  float score = 0;
  std::string language = "en";
};

// Document i of a shard holds the tokens 1000 i + position, all trained; its text hash is its id + 1,000,000.
inline TokenShard made_shard(const std::vector<MadeDocument>& documents, const std::string& file) {
  TokenBlock block;
  ColumnTable columns({"score", "language"});
  for (std::size_t i = 0; i < documents.size(); ++i) {
    std::vector<std::int32_t> ids;
    for (std::int64_t t = 0; t < documents[i].length; ++t) ids.push_back(static_cast<std::int32_t>(1000 * i) + static_cast<std::int32_t>(t));
    block.add(ids, std::vector<std::uint8_t>(ids.size(), 1), {}, static_cast<std::int64_t>(i) + 1, 0);
    columns.add(documents[i].id, documents[i].id + 1'000'000, {documents[i].score, documents[i].language});
  }
  const std::vector<TokenBlockView> blocks = {block.view()};
  return {TokenStore::in_memory(blocks, {.source = file, .kind = "text", .key = {}, .first_skipped = {}, .counters = {}}), std::move(columns)};
}

// `count` documents with ids from `first_id`, lengths 2 to 24 and scores 0 to 4.9 in steps of 0.1.
inline std::vector<MadeDocument> some_documents(std::int64_t count, std::uint64_t first_id) {
  std::vector<MadeDocument> documents;
  for (std::int64_t i = 0; i < count; ++i)
    documents.push_back({.length = 2 + i * 7 % 23,
                         .id = first_id + static_cast<std::uint64_t>(i),
                         .score = static_cast<float>(i * 13 % 50) / 10,
                         .language = i % 3 == 0 ? "de" : "en"});
  return documents;
}

// A source in shards of at most 17 documents.
inline MixtureSource made_source(const std::string& name, const std::vector<MadeDocument>& documents) {
  std::vector<TokenShard> shards;
  for (std::size_t begin = 0; begin < documents.size(); begin += 17) {
    const std::size_t end = std::min(documents.size(), begin + 17);
    shards.push_back(made_shard({documents.begin() + static_cast<std::ptrdiff_t>(begin), documents.begin() + static_cast<std::ptrdiff_t>(end)},
                                name + "-" + std::to_string(shards.size()) + ".jsonl"));
  }
  return {name, std::move(shards)};
}

inline std::int64_t tokens_of(const std::vector<MadeDocument>& documents) {
  std::int64_t sum = 0;
  for (const MadeDocument& document : documents) sum += document.length;
  return sum;
}

}  // namespace phidias::data::mixture
