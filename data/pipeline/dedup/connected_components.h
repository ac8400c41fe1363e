// Connected components of a graph whose edges are spread over ranks; no rank needs all vertices.
//
// Each rank first replaces its edges by stars (union-find), then all ranks alternate large-star and small-star (Kiveris et al., "Connected Components in
// MapReduce and Beyond", 2014) until the edges stay: every vertex is then tied to the smallest of its component. O(log^2 n) rounds of all-to-all; 16 bytes
// an edge, three copies at the peak.
#pragma once

#include <cstdint>
#include <vector>

#include "parallel/communicator.h"

namespace phidias::data::pipeline {

struct Edge {
  std::int64_t high, low;  // vertices; high > low
  bool operator==(const Edge&) const = default;
  auto operator<=>(const Edge&) const = default;
};

// Collective. The result is an edge (vertex, smallest vertex of its component) for every vertex that is not the smallest of its component, each once, on
// some rank.
std::vector<Edge> connected_components(parallel::Communicator& group, std::vector<Edge> edges);

// The same for one rank's edges alone.
std::vector<Edge> contracted(std::vector<Edge> edges);

}  // namespace phidias::data::pipeline
