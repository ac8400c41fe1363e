#include "data/micro_batch.h"

#include <numeric>
#include <vector>

namespace phidias::data {

MicroBatch make_micro_batch(std::span<const DocumentRef> documents, const Bin& bin, std::int64_t original_max_positions) {
  MicroBatch micro;
  std::int64_t total = 0;
  for (const std::int32_t i : bin) total += documents[static_cast<std::size_t>(i)].length();
  micro.tokens.reserve(static_cast<std::size_t>(total));
  micro.positions.resize(static_cast<std::size_t>(total));
  micro.targets.resize(static_cast<std::size_t>(total));
  for (const std::int32_t i : bin) {
    const DocumentRef& ref = documents[static_cast<std::size_t>(i)];
    const Document document = ref.document();
    const auto begin = static_cast<std::int32_t>(micro.tokens.size());
    const auto length = static_cast<std::int32_t>(document.ids.size());
    micro.tokens.insert(micro.tokens.end(), document.ids.begin(), document.ids.end());
    std::iota(micro.positions.begin() + begin, micro.positions.begin() + begin + length, 0);
    document.write_targets(micro.targets.data() + begin);
    micro.target_tokens += ref.targets();
    micro.segments.push_back({.begin = begin,
                              .end = begin + length,
                              .parent = -1,
                              .use_long = original_max_positions > 0 && length > original_max_positions,
                              .record_id = ref.record_id});
  }
  return micro;
}

GlobalBatch make_global_batch(std::int64_t step, std::span<const DocumentRef> documents, const PackingLimits& limits, std::int64_t original_max_positions,
                              int rank, int ranks) {
  GlobalBatch batch;
  batch.step = step;
  batch.documents = static_cast<std::int64_t>(documents.size());
  std::vector<std::int64_t> lengths;
  lengths.reserve(documents.size());
  for (const DocumentRef& document : documents) {
    lengths.push_back(document.length());
    batch.tokens += document.length();
    batch.target_tokens += document.targets();
  }
  const std::vector<std::vector<Bin>> plan = plan_step(lengths, limits, ranks);
  for (const Bin& bin : plan[static_cast<std::size_t>(rank)]) {
    batch.micro_batches.push_back(make_micro_batch(documents, bin, original_max_positions));
  }
  batch.micro_batches.back().is_last = true;
  return batch;
}

}  // namespace phidias::data
