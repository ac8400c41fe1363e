#include "data/single_pass.h"

#include <algorithm>
#include <utility>

#include "data/micro_batch.h"

namespace phidias::data {

SinglePass::SinglePass(std::shared_ptr<const TokenStore> store, SamplerOptions options, std::int64_t max_documents)
    : store_(std::move(store)), options_(std::move(options)) {
  const std::int64_t documents = max_documents > 0 ? std::min(max_documents, store_->documents()) : store_->documents();
  const std::int64_t ranks = options_.data_size;
  std::int64_t most = options_.packing ? options_.batch.micro_documents : 1;
  most = most > 0 ? most * ranks : documents;
  first_ = {0};
  for (std::int64_t i = 0, tokens = 0; i < documents; ++i) {
    const std::int64_t length = store_->length(i);
    if (i > first_.back() && (tokens + length > options_.batch.micro_tokens * ranks || i - first_.back() >= most)) {
      first_.push_back(i);
      tokens = 0;
    }
    tokens += length;
  }
  if (documents > 0) first_.push_back(documents);
}

GlobalBatch SinglePass::batch(std::int64_t step) const {
  std::vector<DocumentRef> documents;
  const auto at = static_cast<std::size_t>(step);
  for (std::int64_t i = first_[at]; i < first_[at + 1]; ++i) documents.push_back({store_.get(), i, static_cast<std::uint64_t>(i)});
  const PackingLimits limits{options_.batch.micro_tokens, options_.batch.micro_documents, options_.packing};
  return make_global_batch(step, documents, limits, options_.original_max_positions, options_.data_rank, options_.data_size);
}

}  // namespace phidias::data
