// Before step 0: how many documents each phase draws from each source, and that every cap and every declared disjointness holds.
//
// A phase of T tokens draws from source s, one document after the other, until T w_s / sum(w) tokens are reached; so a phase ends at most one document per
// source beyond T. Draw c of a source is document c mod n of its pool under the keyed permutation of epoch c div n (key: seed, phase, source, epoch): within an
// epoch nothing repeats. Which documents a phase uses is therefore known here, and depends on the file, the data, the seed and the context only.
//
// Disjointness. A document is known by its id's (or text's) hash, whatever source it stands in. For a source of a phase, documents that an earlier phase uses
// are
//   left out, when the phase is `disjoint_from` that phase; taken again, when the source has `reuse_epochs`; else an error that says how many they are.
// With `reuse_epochs`, this phase's passes and those of all earlier uses of any of its documents add up to that number at most.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/mixture/document_pool.h"
#include "data/mixture/mixture_config.h"
#include "data/mixture/mixture_source.h"

namespace phidias::data::mixture {

struct PlanOptions {
  std::int64_t seed = 0;        // when the mixture has none
  bool shuffle = true;          // false: in the order of the shards, every epoch the same
  std::int64_t max_length = 0;  // context of phases that have none; 0: whole documents
};

struct PlannedSource {
  std::string name;
  std::size_t source = 0;  // index in the plan's sources
  double share = 0;        // of the phase's tokens
  double max_epochs = 0;
  std::int64_t quota = 0;   // tokens to reach
  std::int64_t draws = 0;   // documents taken until then
  std::int64_t tokens = 0;  // of those
  DocumentPool pool;
  double epochs() const { return pool.draws() > 0 ? static_cast<double>(draws) / static_cast<double>(pool.draws()) : 0.0; }
};

struct PlannedPhase {
  std::string name;
  std::int64_t quota = 0, tokens = 0, documents = 0, context = 0;
  std::int64_t shared = 0;             // documents that more than one of its sources draws
  std::vector<PlannedSource> sources;  // in the order of the phase
  std::string order;                   // hash of everything that decides the order up to this phase's end
};

struct Overlap {
  std::string earlier, later;
  std::int64_t documents = 0;  // used by both
  bool declared_disjoint = false;
};

struct MixturePlan {
  MixturePlan() = default;
  MixturePlan(MixturePlan&&) = default;  // pools point into `sources`: moved with it, never copied
  MixturePlan& operator=(MixturePlan&&) = default;

  std::int64_t seed = 0;
  bool shuffle = true;
  std::vector<MixtureSource> sources;
  std::vector<PlannedPhase> phases;
  std::vector<Overlap> overlaps;  // every pair of phases
  std::int64_t tokens = 0;        // of all draws

  // Draw `number` of a source in a phase.
  DocumentRef draw(std::size_t phase, const PlannedSource& from, std::int64_t number) const;
  std::string summary() const;  // a table
  std::string json() const;
};

// Throws ConfigError with every cap that would be exceeded, every undeclared overlap and every empty pool, with the numbers.
MixturePlan plan_mixture(const MixtureConfig& config, std::vector<MixtureSource> sources, const PlanOptions& options);

}  // namespace phidias::data::mixture
