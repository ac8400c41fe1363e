// manifest.json: what a pipeline did, for people and for the report. Everything but "timing" depends on the input and the configuration alone.
//
//   format          "phidias-pipeline-1"
//   version, name   of the program, of the pipeline
//   configuration   hash of all that decides about the result
//   pipeline        all settings that decide about the result, defaults filled in, as YAML
//   inputs          [{path, source, format, bytes, hash}]
//   resources       {stage: [{path, hash}]}: models and lists
//   documents       {in, read, failed, kept, dropped}: in = read + failed, read = kept + dropped; bytes and tokens of each; passed_over: WARC
//                   responses that are no pages, which are no documents; tokens is null without a tokenizer
//   sources         {name: the same}
//   stages          [{name, stage, mode, documents_in, documents_out, bytes_in, bytes_out, rules: [{rule, documents, bytes, tokens,
//                   samples: [{id, source, text}]}], notes: {..}}], reading first; rules by falling number of documents
//   distributions   {annotation: {count, mean, deviation, minimum, maximum, bins: [[low, high, kept, dropped]]}}
//   outputs         [{path, bytes, hash}]
//   problems        [{file, line, error}]: the first; more of them are in errors.jsonl (1,000 of a unit, 100,000 in all; then {left_out: number})
//   timing          {seconds, ranks, threads, memory (bytes that were stated before the start), stages: [{name, seconds, bytes_per_second}]}: processor seconds
//                   of a stage, over all threads; a stage that compares documents has comparing_seconds too, by the clock of rank 0, and its bytes per second
//                   are by the sum of both
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/pipeline/counts.h"
#include "data/pipeline/shards.h"
#include "data/pipeline/work_directory.h"

namespace phidias::data::pipeline {

struct ManifestParts {
  const PipelineConfig* config = nullptr;
  const std::vector<PlacedStage>* stages = nullptr;
  std::string configuration, version;
  std::vector<InputIdentity> inputs;
  std::map<std::string, std::string> resources;  // path -> hash
  PipelineCounts counts;
  std::vector<std::vector<std::pair<std::string, std::string>>> notes;  // per stage
  std::vector<double> comparing_seconds;                                // per stage; negative: it does not compare
  std::vector<ShardFile> outputs;
  std::int64_t memory_bytes = 0;
  double seconds = 0;
  int ranks = 1, threads = 1;
};

OrderedJson manifest_json(const ManifestParts& parts);

}  // namespace phidias::data::pipeline
