// Documents into bins (micro-batches) of bounded size, and bins to ranks.
//
// Pure functions of the lengths: every rank computes the whole plan and takes its row.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace phidias::data {

struct PackingLimits {
  std::int64_t micro_tokens = 0;     // tokens of a bin, > 0; a longer document gets a bin of its own
  std::int64_t micro_documents = 0;  // documents of a bin; 0: no limit
  bool packing = true;               // false: one document per bin
};

// Indices into the lengths, ascending.
using Bin = std::vector<std::int32_t>;

// Best fit, longest first: each document goes into the fullest bin that has room. Bins in order of their first document.
std::vector<Bin> pack_best_fit(std::span<const std::int64_t> lengths, const PackingLimits& limits);

// The plan of a step: plan[rank] has the same number of bins for every rank (missing ones are empty, at the end). One rank gets the best-fit bins. Several
// ranks get as few bins as best fit needs, rounded up to a multiple of the ranks and filled evenly where the limits allow; bins are dealt so that the ranks'
// token counts are close.
std::vector<std::vector<Bin>> plan_step(std::span<const std::int64_t> lengths, const PackingLimits& limits, int ranks);

}  // namespace phidias::data
