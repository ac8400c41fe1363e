// Sorts entries by a 64-bit hash `key`, then by operator<: three scattering passes of 8 bits over the upper 24, and a comparison sort of the few entries
// that agree in all of them. Memory: a second copy of the entries.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace phidias::data::pipeline {

// `Entry` has a member `key` that operator< compares first.
template <class Entry>
void sort_by_key(std::vector<Entry>& entries) {
  constexpr int kBits = 8, kLowest = 40;  // 40 + 3 * 8 = 64; with more bits the write streams outnumber the TLB
  constexpr std::size_t kBuckets = 1u << kBits;
  if (entries.size() < 8 * kBuckets) {
    std::sort(entries.begin(), entries.end());
    return;
  }
  std::array<std::array<std::size_t, kBuckets>, 3> counts{};
  for (const Entry& entry : entries)
    for (int pass = 0; pass < 3; ++pass) ++counts[static_cast<std::size_t>(pass)][(entry.key >> (kLowest + pass * kBits)) % kBuckets];
  std::vector<Entry> other(entries.size());
  for (int pass = 0; pass < 3; ++pass) {
    std::array<std::size_t, kBuckets>& place = counts[static_cast<std::size_t>(pass)];
    std::size_t before = 0;
    for (std::size_t& count : place) before += std::exchange(count, before);
    for (const Entry& entry : entries) other[place[(entry.key >> (kLowest + pass * kBits)) % kBuckets]++] = entry;
    entries.swap(other);
  }
  for (auto run = entries.begin(); run != entries.end();) {
    auto end = run + 1;
    while (end != entries.end() && end->key >> kLowest == run->key >> kLowest) ++end;
    if (end - run > 1) std::sort(run, end);
    run = end;
  }
}

// Calls visit(begin, end) for each run of entries with an equal key.
template <class Entry, class Same, class Visit>
void for_each_run(const std::vector<Entry>& entries, Same&& same, Visit&& visit) {
  for (auto run = entries.begin(); run != entries.end();) {
    auto end = run + 1;
    while (end != entries.end() && same(*run, *end)) ++end;
    visit(run, end);
    run = end;
  }
}

}  // namespace phidias::data::pipeline
