#include "data/packing.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace phidias::data {
namespace {

std::vector<std::int32_t> longest_first(std::span<const std::int64_t> lengths) {
  std::vector<std::int32_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return lengths[static_cast<std::size_t>(a)] > lengths[static_cast<std::size_t>(b)]; });
  return order;
}

bool full(const Bin& bin, const PackingLimits& limits) {
  const std::int64_t most = limits.packing ? limits.micro_documents : 1;
  return most > 0 && static_cast<std::int64_t>(bin.size()) >= most;
}

void tidy(std::vector<Bin>& bins) {
  for (Bin& bin : bins) std::sort(bin.begin(), bin.end());
  std::sort(bins.begin(), bins.end(), [](const Bin& a, const Bin& b) { return !a.empty() && (b.empty() || a.front() < b.front()); });
}

// `count` bins filled evenly (longest document to the emptiest bin), or nothing when a limit would be broken.
std::optional<std::vector<Bin>> pack_evenly(std::span<const std::int64_t> lengths, const PackingLimits& limits, std::size_t count) {
  std::vector<Bin> bins(count);
  std::set<std::pair<std::int64_t, std::size_t>> by_load;  // (tokens, bin), bins that can take more
  for (std::size_t bin = 0; bin < count; ++bin) by_load.insert({0, bin});
  for (const std::int32_t document : longest_first(lengths)) {
    if (by_load.empty()) return std::nullopt;
    const auto [load, bin] = *by_load.begin();
    const std::int64_t after = load + lengths[static_cast<std::size_t>(document)];
    if (load > 0 && after > limits.micro_tokens) return std::nullopt;
    by_load.erase(by_load.begin());
    bins[bin].push_back(document);
    if (!full(bins[bin], limits)) by_load.insert({after, bin});
  }
  tidy(bins);
  return bins;
}

}  // namespace

std::vector<Bin> pack_best_fit(std::span<const std::int64_t> lengths, const PackingLimits& limits) {
  std::vector<Bin> bins;
  std::set<std::pair<std::int64_t, std::size_t>> by_room;  // (tokens left, bin)
  for (const std::int32_t document : longest_first(lengths)) {
    const std::int64_t length = lengths[static_cast<std::size_t>(document)];
    const auto best = by_room.lower_bound({length, 0});
    std::size_t bin = bins.size();
    std::int64_t room = limits.micro_tokens;
    if (best != by_room.end()) {
      std::tie(room, bin) = *best;
      by_room.erase(best);
    } else {
      bins.emplace_back();
    }
    bins[bin].push_back(document);
    if (!full(bins[bin], limits) && room > length) by_room.insert({room - length, bin});
  }
  tidy(bins);
  return bins;
}

std::vector<std::vector<Bin>> plan_step(std::span<const std::int64_t> lengths, const PackingLimits& limits, int ranks) {
  const auto count = static_cast<std::size_t>(ranks);
  std::vector<Bin> bins = pack_best_fit(lengths, limits);
  const std::size_t per_rank = std::max<std::size_t>((bins.size() + count - 1) / count, 1);
  if (ranks > 1) {
    if (auto even = pack_evenly(lengths, limits, per_rank * count)) bins = std::move(*even);
  }
  bins.resize(per_rank * count);

  std::vector<std::int64_t> tokens(bins.size(), 0);
  for (std::size_t b = 0; b < bins.size(); ++b) {
    for (const std::int32_t document : bins[b]) tokens[b] += lengths[static_cast<std::size_t>(document)];
  }
  // Fullest bin first, each to the rank with the fewest tokens among those that still take one.
  std::vector<std::int64_t> load(count, 0);
  std::vector<std::vector<std::size_t>> dealt(count);
  for (const std::int32_t bin : longest_first(tokens)) {
    std::size_t to = count;
    for (std::size_t r = 0; r < count; ++r) {
      if (dealt[r].size() < per_rank && (to == count || load[r] < load[to])) to = r;
    }
    dealt[to].push_back(static_cast<std::size_t>(bin));
    load[to] += tokens[static_cast<std::size_t>(bin)];
  }
  std::vector<std::vector<Bin>> plan(count);
  for (std::size_t r = 0; r < count; ++r) {
    for (const std::size_t bin : dealt[r]) plan[r].push_back(std::move(bins[bin]));
    tidy(plan[r]);  // in the order of the data, empty ones last
  }
  return plan;
}

}  // namespace phidias::data
