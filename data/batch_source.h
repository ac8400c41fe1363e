// Where a training run's steps come from: epochs over sources (data/sampler.h), or the phases of a mixture (data/mixture/mixture_sampler.h).
//
// A step is a pure function of the data, the seed and its number; world size changes nothing but the dealing.
//
//   GlobalBatch batch = source.global_batch(state.step);       // this rank's part; steps in order are cheap, any step is allowed
//   state.data = source.position_after(state.step);            // goes into the checkpoint
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/batch.h"

namespace phidias::data {

// What a phase of a mixture has taken from one source so far.
struct SourceProgress {
  std::string phase, source;
  std::int64_t documents = 0, tokens = 0;
  double epochs = 0;  // passes over what the phase may take from the source
  bool operator==(const SourceProgress&) const = default;
};

// Where the data stands before a step: enough to continue without replaying.
struct DataPosition {
  std::int64_t step = 0, epoch = 0, offset = 0;  // the step's first record is record `offset` of epoch (mixture: phase) `epoch`
  std::int64_t tokens = 0, documents = 0;        // consumed so far
  // Of a mixture alone: the phase of the newest document, the hash of what decides its order, and every phase begun with all of its sources.
  std::string phase = {}, order = {};
  std::vector<SourceProgress> sources = {};
  bool operator==(const DataPosition&) const = default;
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual GlobalBatch global_batch(std::int64_t step) = 0;
  virtual DataPosition position_after(std::int64_t step) = 0;
  // Continues from a checkpoint's position (batch options and data unchanged).
  virtual void restore(const DataPosition& position) = 0;
  // Progress in epochs at a position (2.5 = half way through the third); of a mixture, the part of its tokens that is taken.
  virtual double epochs_at(const DataPosition& position) const = 0;
  // Names records for messages: "train.jsonl:17".
  virtual std::string describe_record(std::uint64_t record_id) const = 0;
};

}  // namespace phidias::data
