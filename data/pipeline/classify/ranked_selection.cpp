#include "data/pipeline/classify/ranked_selection.h"

#include <bit>
#include <cmath>
#include <set>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

constexpr int kKeyBytes = 16;  // 8 of the score, then 8 of the document
constexpr std::size_t kBins = 256;

// Bytes in falling order: the best entry has the largest key. Smaller document numbers are better.
std::uint8_t key_byte(const RankedEntry& entry, int index) {
  const std::uint64_t half = index < 8 ? entry.score : ~entry.document;
  return static_cast<std::uint8_t>(half >> (56 - 8 * (index % 8)));
}

// What is known of the first entry that a group no longer keeps: the leading bytes of its key, and the weight that is left when it is reached.
struct Narrowing {
  std::int64_t left = 0;
  bool all_kept = false;
  std::uint64_t score = 0, inverted_document = 0;
};

}  // namespace

std::uint64_t score_order(double score) {
  if (std::isnan(score)) return 0;
  const auto bits = std::bit_cast<std::uint64_t>(score == 0 ? 0.0 : score);  // -0 is 0
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  return bits & kSign ? ~bits : bits | kSign;
}

double score_from_order(std::uint64_t order) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  return order == 0 ? NAN : std::bit_cast<double>(order & kSign ? order & ~kSign : ~order);
}

void add_up(std::span<std::int64_t> values, parallel::Communicator& group) {
  group.all_reduce(values.data(), static_cast<std::int64_t>(values.size()), parallel::DataType::int64, parallel::ReduceOp::sum);
}

std::vector<std::string> union_of(const std::vector<std::string>& texts, parallel::Communicator& group) {
  // Length, colon, text: any byte may stand in a text.
  std::string packed;
  for (const std::string& text : texts) packed += std::to_string(text.size()) + ":" + text;
  std::set<std::string> all;
  for (const std::string& of_rank : all_gather_strings(group, packed))
    for (std::size_t at = 0; at < of_rank.size();) {
      const std::size_t colon = of_rank.find(':', at);
      const std::size_t size = std::stoull(of_rank.substr(at, colon - at));
      all.insert(of_rank.substr(colon + 1, size));
      at = colon + 1 + size;
    }
  return {all.begin(), all.end()};
}

std::vector<SelectionEnd> select_best(std::span<const RankedEntry> entries, std::span<const std::int64_t> limits, parallel::Communicator& group) {
  std::vector<Narrowing> narrowing(limits.size());
  for (std::size_t g = 0; g < limits.size(); ++g) narrowing[g].left = limits[g];
  if (entries.size() > UINT32_MAX) throw DataError("more than 4294967295 documents on one rank: start more ranks");
  // Entries whose leading bytes are those of their group's narrowing.
  std::vector<std::uint32_t> open(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) open[i] = static_cast<std::uint32_t>(i);

  std::vector<std::int64_t> weights(limits.size() * kBins);
  for (int index = 0; index < kKeyBytes; ++index) {
    std::fill(weights.begin(), weights.end(), 0);
    for (const std::uint32_t i : open) weights[entries[i].group * kBins + key_byte(entries[i], index)] += entries[i].weight;
    add_up(weights, group);
    for (std::size_t g = 0; g < limits.size(); ++g) {
      Narrowing& of_group = narrowing[g];
      if (of_group.all_kept) continue;
      const std::int64_t* bins = weights.data() + g * kBins;
      int bin = kBins - 1;
      while (bin >= 0 && bins[bin] <= of_group.left) of_group.left -= bins[bin--];
      of_group.all_kept = bin < 0;
      std::uint64_t& half = index < 8 ? of_group.score : of_group.inverted_document;
      half = half << 8 | static_cast<std::uint64_t>(std::max(bin, 0));
    }
    std::size_t still = 0;
    for (const std::uint32_t i : open) {
      const Narrowing& of_group = narrowing[entries[i].group];
      const std::uint64_t half = index < 8 ? of_group.score : of_group.inverted_document;
      if (!of_group.all_kept && key_byte(entries[i], index) == static_cast<std::uint8_t>(half)) open[still++] = i;
    }
    open.resize(still);
  }

  // The narrowing now is the first entry that is not kept; the last one that is, is its neighbour.
  std::vector<SelectionEnd> ends(limits.size());
  std::vector<std::uint64_t> worst_score(limits.size(), UINT64_MAX), worst_document(limits.size(), 0);
  const auto is_kept = [&](const RankedEntry& entry) {
    const Narrowing& first_out = narrowing[entry.group];
    if (first_out.all_kept) return true;
    return entry.score != first_out.score ? entry.score > first_out.score : ~entry.document > first_out.inverted_document;
  };
  const auto reduce = [&](std::vector<std::uint64_t>& values, parallel::ReduceOp op) {
    // As signed numbers of the same order.
    for (std::uint64_t& value : values) value ^= std::uint64_t{1} << 63;
    group.all_reduce(values.data(), static_cast<std::int64_t>(values.size()), parallel::DataType::int64, op);
    for (std::uint64_t& value : values) value ^= std::uint64_t{1} << 63;
  };
  std::vector<std::int64_t> kept(limits.size());
  for (const RankedEntry& entry : entries) {
    if (!is_kept(entry)) continue;
    ++kept[entry.group];
    worst_score[entry.group] = std::min(worst_score[entry.group], entry.score);
  }
  add_up(kept, group);
  reduce(worst_score, parallel::ReduceOp::min);
  for (const RankedEntry& entry : entries)
    if (is_kept(entry) && entry.score == worst_score[entry.group]) worst_document[entry.group] = std::max(worst_document[entry.group], entry.document);
  reduce(worst_document, parallel::ReduceOp::max);
  for (std::size_t g = 0; g < limits.size(); ++g) ends[g] = {kept[g] > 0, worst_score[g], worst_document[g]};
  return ends;
}

}  // namespace phidias::data::pipeline
