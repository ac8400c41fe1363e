// The one form in which tokens reach a model: a packed stream without padding.
//
// A micro-batch concatenates documents. Attention never crosses a document, positions restart in each, and the choice between short
// and long rotary factors is made here, per document, never in the model. T = 0 is an ordinary micro-batch (a rank without work).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace phidias::data {

inline constexpr std::int32_t kIgnoredTarget = -100;

// One document (or one continuation of a shared prompt) inside a micro-batch.
struct Segment {
  std::int32_t begin = 0, end = 0;  // token range in the stream, end exclusive
  std::int32_t parent = -1;         // the segment whose tokens this one continues (shared prompts), or -1
  bool use_long = false;            // LongRoPE: long factors, because the document is longer than the original context
  std::uint64_t record_id = 0;      // global record number: key of random draws, name of the document in messages
};

struct MicroBatch {
  std::vector<std::int32_t> tokens;     // [T]
  std::vector<std::int32_t> positions;  // [T], from 0 in every document
  std::vector<std::int32_t> targets;    // [T], already shifted: targets[t] is the token after tokens[t]; -100 where untrained
  std::vector<Segment> segments;        // cover [0, T) in order
  std::int64_t target_tokens = 0;       // number of targets that are not -100
  bool is_last = false;                 // the last micro-batch of its step on this rank

  std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
};

// What one optimizer step consumes: this rank's micro-batches, and the counts of the whole step over all ranks.
struct GlobalBatch {
  std::int64_t step = 0;
  std::vector<MicroBatch> micro_batches;  // the same number on every rank; missing ones are empty
  std::int64_t target_tokens = 0;         // over all ranks: the divisor of the loss
  std::int64_t tokens = 0;                // over all ranks
  std::int64_t documents = 0;             // over all ranks
};

}  // namespace phidias::data
