// Builds the packed stream of a micro-batch from documents of token stores.
#pragma once

#include <cstdint>
#include <span>

#include "data/batch.h"
#include "data/packing.h"
#include "data/token_store.h"

namespace phidias::data {

struct DocumentRef {
  const TokenStore* store = nullptr;
  std::int64_t index = 0;
  std::uint64_t record_id = 0;
  std::int64_t begin = 0, tokens = 0;  // a piece of the document; tokens 0: the whole
  std::int64_t length() const { return tokens > 0 ? tokens : store->length(index); }
  std::int64_t targets() const { return tokens > 0 ? store->targets(index, begin, tokens) : store->targets(index); }
  Document document() const { return tokens > 0 ? store->document(index).piece_of(begin, tokens) : store->document(index); }
};

// Concatenates documents[i] for i in `bin`. `original_max_positions` > 0: longer documents use the long rotary factors.
MicroBatch make_micro_batch(std::span<const DocumentRef> documents, const Bin& bin, std::int64_t original_max_positions);

// Packs and deals the documents of one step; this is `rank`'s part, with the counts of the whole.
GlobalBatch make_global_batch(std::int64_t step, std::span<const DocumentRef> documents, const PackingLimits& limits, std::int64_t original_max_positions,
                              int rank, int ranks);

}  // namespace phidias::data
