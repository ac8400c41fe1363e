// What a pipeline counts: documents, bytes and tokens in, kept, dropped per rule, failed. Made per unit, merged in the order of units, so that the sums do
// not depend on ranks or threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "data/pipeline/distribution.h"
#include "data/pipeline/document.h"
#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

struct Volume {
  std::int64_t documents = 0, bytes = 0, tokens = 0;  // tokens: 0 without a tokenizer
  Volume& operator+=(const Volume& other);
  bool operator==(const Volume&) const = default;
};

// A dropped document as the report shows it.
struct DroppedSample {
  std::uint64_t order = 0;  // hash of the document's id: the least ones of a rule are shown
  std::string id, source, text;
};

struct RuleCounts {
  Volume dropped;
  std::vector<DroppedSample> samples;  // rising order
  void keep_sample(DroppedSample sample, std::size_t most);
};

struct StageCounts {
  Volume in, out;      // tokens are not counted here
  double seconds = 0;  // processor time
  std::map<std::string, RuleCounts> rules;
};

struct SourceCounts {
  Volume read, kept, dropped;
  std::int64_t failed = 0;
};

struct PipelineCounts {
  std::map<std::string, SourceCounts> sources;
  std::vector<StageCounts> stages;  // the first is reading itself, then as in the pipeline
  std::map<std::string, Distribution> distributions;
  std::vector<ReadProblem> problems;  // the first of each unit, and no more than 100,000
  std::int64_t problems_left_out = 0;
  std::int64_t passed_over = 0;  // Unit::passed_over: no documents, so not among what came in

  // Appends `later`, which comes after it in the order of units.
  void merge(const PipelineCounts& later, std::size_t samples);
  SourceCounts total() const;
  OrderedJson json() const;
  static PipelineCounts from_json(const OrderedJson& json);
};

}  // namespace phidias::data::pipeline
