#include "data/pipeline/dedup/key_sort.h"

#include <gtest/gtest.h>

#include <random>

#include "data/pipeline/dedup/connected_components.h"
#include "data/pipeline/dedup/exchange.h"
#include "parallel/single_process.h"

namespace phidias::data::pipeline {
namespace {

struct Entry {
  std::uint64_t key;
  std::int64_t document;
  bool operator<(const Entry& other) const { return key != other.key ? key < other.key : document < other.document; }
  bool operator==(const Entry&) const = default;
};

TEST(KeySort, SortsLikeAComparisonSort) {
  std::mt19937_64 generator(1);
  for (const std::size_t size : {0u, 1u, 100u, 50000u}) {
    for (const std::uint64_t mask : {~0ULL, 0xffULL, 0xff00000000000000ULL, 0xffffffffULL, 0ULL}) {
      std::vector<Entry> entries(size);
      for (Entry& entry : entries) entry = {generator() & mask, static_cast<std::int64_t>(generator() % 1000)};
      std::vector<Entry> expected = entries;
      std::sort(expected.begin(), expected.end());
      sort_by_key(entries);
      EXPECT_TRUE(entries == expected) << size << " entries, mask " << mask;
    }
  }
}

TEST(KeySort, OwnersShareTheKeysEvenly) {
  EXPECT_EQ(owner_of_key(0, 3), 0);
  EXPECT_EQ(owner_of_key(~0ULL, 3), 2);
  EXPECT_EQ(owner_of_key(~0ULL / 3 * 2, 3), 1);
  EXPECT_EQ(owner_of_key(~0ULL, 1), 0);
}

// Smallest vertex of each component, by walking the graph.
std::vector<Edge> walked_components(const std::vector<Edge>& edges, std::int64_t vertices) {
  std::vector<std::int64_t> label(static_cast<std::size_t>(vertices));
  for (std::size_t i = 0; i < label.size(); ++i) label[i] = static_cast<std::int64_t>(i);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Edge& edge : edges) {
      auto &a = label[static_cast<std::size_t>(edge.high)], &b = label[static_cast<std::size_t>(edge.low)];
      if (a == b) continue;
      a = b = std::min(a, b);
      changed = true;
    }
  }
  std::vector<Edge> stars;
  for (std::int64_t i = 0; i < vertices; ++i)
    if (label[static_cast<std::size_t>(i)] != i) stars.push_back({i, label[static_cast<std::size_t>(i)]});
  return stars;
}

TEST(ConnectedComponents, TieEveryVertexToTheSmallestOfItsComponent) {
  parallel::SingleProcess alone;
  std::mt19937_64 generator(2);
  for (int round = 0; round < 200; ++round) {
    const std::int64_t vertices = 2 + static_cast<std::int64_t>(generator() % 40);
    std::vector<Edge> edges;
    for (std::uint64_t i = generator() % 50; i > 0; --i) {
      const auto a = static_cast<std::int64_t>(generator()) & 0xffff, b = static_cast<std::int64_t>(generator()) & 0xffff;
      if (a % vertices != b % vertices) edges.push_back({std::max(a % vertices, b % vertices), std::min(a % vertices, b % vertices)});
    }
    const std::vector<Edge> expected = walked_components(edges, vertices);
    EXPECT_EQ(contracted(edges), expected);
    std::vector<Edge> stars = connected_components(alone, edges);
    std::sort(stars.begin(), stars.end());
    EXPECT_EQ(stars, expected);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
