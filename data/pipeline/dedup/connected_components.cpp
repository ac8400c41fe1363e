#include "data/pipeline/dedup/connected_components.h"

#include <algorithm>

#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/key_sort.h"

namespace phidias::data::pipeline {
namespace {

void make_unique(std::vector<Edge>& edges) {
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
}

using Edges = std::vector<Edge>::const_iterator;

// `edges` hold (vertex, neighbour) in both directions, at the owner of the vertex: ties each larger neighbour to the smallest one.
std::vector<Edge> large_star(std::vector<Edge> edges) {
  make_unique(edges);
  std::vector<Edge> stars;
  for_each_run(
      edges, [](const Edge& a, const Edge& b) { return a.high == b.high; },
      [&](Edges begin, Edges end) {
        const std::int64_t vertex = begin->high, smallest = std::min(vertex, begin->low);
        for (Edges edge = begin; edge != end; ++edge)
          if (edge->low > vertex) stars.push_back({edge->low, smallest});
      });
  return stars;
}

// `edges` hold (vertex, smaller neighbour), each once, at the owner of the vertex: ties the vertex and its neighbours to the smallest.
std::vector<Edge> small_star(const std::vector<Edge>& edges) {
  std::vector<Edge> stars;
  for_each_run(
      edges, [](const Edge& a, const Edge& b) { return a.high == b.high; },
      [&](Edges begin, Edges end) {
        const std::int64_t smallest = begin->low;
        stars.push_back({begin->high, smallest});
        for (Edges edge = begin + 1; edge != end; ++edge) stars.push_back({edge->low, smallest});
      });
  return stars;
}

}  // namespace

std::vector<Edge> contracted(std::vector<Edge> edges) {
  std::vector<std::int64_t> vertices;
  vertices.reserve(2 * edges.size());
  for (const Edge& edge : edges) vertices.insert(vertices.end(), {edge.high, edge.low});
  std::sort(vertices.begin(), vertices.end());
  vertices.erase(std::unique(vertices.begin(), vertices.end()), vertices.end());
  std::vector<std::size_t> parent(vertices.size());
  for (std::size_t i = 0; i < parent.size(); ++i) parent[i] = i;
  const auto root = [&](std::int64_t vertex) {
    auto i = static_cast<std::size_t>(std::lower_bound(vertices.begin(), vertices.end(), vertex) - vertices.begin());
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (const Edge& edge : edges) {
    const std::size_t a = root(edge.high), b = root(edge.low);
    parent[std::max(a, b)] = std::min(a, b);
  }
  edges.clear();
  for (const std::int64_t vertex : vertices) {
    const std::int64_t smallest = vertices[root(vertex)];
    if (smallest != vertex) edges.push_back({vertex, smallest});
  }
  return edges;
}

std::vector<Edge> connected_components(parallel::Communicator& group, std::vector<Edge> edges) {
  const auto owner = [&](const Edge& edge) { return owner_of_key(mixed(static_cast<std::uint64_t>(edge.high)), group.size()); };
  edges = contracted(std::move(edges));
  std::uint64_t before = 0;
  for (bool first = true;; first = false) {
    edges = exchange(group, std::move(edges), owner);
    make_unique(edges);
    std::uint64_t sum = 0;  // of all ranks' edges; each edge is on one rank, once
    for (const Edge& edge : edges) sum += mixed(mixed(static_cast<std::uint64_t>(edge.high)) + static_cast<std::uint64_t>(edge.low));
    sum = static_cast<std::uint64_t>(sum_over_ranks(group, static_cast<std::int64_t>(sum >> 16)));  // without overflow for 65536 ranks
    if (!first && sum == before) return edges;
    before = sum;
    std::vector<Edge> both = exchange(group, small_star(edges), owner);
    make_unique(both);
    const std::size_t forward = both.size();
    for (std::size_t i = 0; i < forward; ++i) both.push_back({both[i].low, both[i].high});
    edges = large_star(exchange(group, std::move(both), owner));
  }
}

}  // namespace phidias::data::pipeline
