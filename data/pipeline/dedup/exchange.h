// Typed collectives over plain structs: what goes to whom is said by a function of the item.
//
//   std::vector<Entry> mine = exchange(group, std::move(entries), [&](const Entry& e) { return owner_of_key(e.key, group.size()); });
//
// Every rank takes part. The order of what arrives depends on ranks: callers sort.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "parallel/communicator.h"

namespace phidias::data::pipeline {

// Rank whose range of 64-bit keys holds `key`; ranges are of equal width, so keys must be hashes.
inline int owner_of_key(std::uint64_t key, int ranks) {
  return static_cast<int>((static_cast<unsigned __int128>(key) * static_cast<unsigned __int128>(ranks)) >> 64);
}

// Spreads small numbers over all 64-bit values (a bijection: the finaliser of splitmix64).
inline std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

template <class Item, class Owner>
std::vector<Item> exchange(parallel::Communicator& group, std::vector<Item> items, Owner&& owner) {
  static_assert(std::is_trivially_copyable_v<Item>);
  if (group.size() == 1) return items;  // a copy of everything would double the memory
  const auto ranks = static_cast<std::size_t>(group.size());
  std::vector<std::int64_t> sent(ranks, 0), received(ranks, 0);
  for (const Item& item : items) ++sent[static_cast<std::size_t>(owner(item))];
  std::vector<std::size_t> place(ranks, 0);
  for (std::size_t r = 1; r < ranks; ++r) place[r] = place[r - 1] + static_cast<std::size_t>(sent[r - 1]);
  std::vector<Item> ordered(items.size());
  for (const Item& item : items) ordered[place[static_cast<std::size_t>(owner(item))]++] = item;
  items = {};
  const std::vector<std::int64_t> ones(ranks, 1);
  group.all_to_all_v(sent.data(), ones, received.data(), ones, parallel::DataType::int64);
  std::vector<Item> arrived(static_cast<std::size_t>(std::accumulate(received.begin(), received.end(), std::int64_t{0})));
  for (std::int64_t& count : sent) count *= static_cast<std::int64_t>(sizeof(Item));
  for (std::int64_t& count : received) count *= static_cast<std::int64_t>(sizeof(Item));
  group.all_to_all_v(ordered.data(), sent, arrived.data(), received, parallel::DataType::uint8);
  return arrived;
}

// All ranks' items on all ranks, in rank order.
template <class Item>
std::vector<Item> gather_all(parallel::Communicator& group, std::span<const Item> items) {
  static_assert(std::is_trivially_copyable_v<Item>);
  const auto mine = static_cast<std::int64_t>(items.size_bytes());
  std::vector<std::int64_t> counts(static_cast<std::size_t>(group.size()));
  group.all_gather(&mine, counts.data(), 1, parallel::DataType::int64);
  std::vector<Item> all(static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})) / sizeof(Item));
  group.all_gather_v(items.data(), mine, all.data(), counts, parallel::DataType::uint8);
  return all;
}

inline std::int64_t sum_over_ranks(parallel::Communicator& group, std::int64_t value) {
  group.all_reduce(&value, 1, parallel::DataType::int64, parallel::ReduceOp::sum);
  return value;
}

inline std::int64_t max_over_ranks(parallel::Communicator& group, std::int64_t value) {
  group.all_reduce(&value, 1, parallel::DataType::int64, parallel::ReduceOp::max);
  return value;
}

}  // namespace phidias::data::pipeline
