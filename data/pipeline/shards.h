// From finished units to the files that users see: kept/<source>/00000.jsonl.zst and dropped/<source>/00000.jsonl.zst.
//
// A shard is the frames of consecutive units of one source, cut where shard_bytes of documents are reached; so it depends on the input and the configuration
// alone. Ranks write different shards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pipeline/segment_runner.h"

namespace phidias::data::pipeline {

struct ShardFile {
  std::string path;  // from the output directory
  std::int64_t bytes = 0;
  std::string hash;  // XXH3-128
};

// Collective; the same list on every rank. `segment` is the last one.
std::vector<ShardFile> write_shards(std::size_t segment, const std::vector<UnitEntry>& units, const PipelineConfig& config, const RunContext& context);

}  // namespace phidias::data::pipeline
