// Which rows go to which expert, and the way there and back over the ranks that share the experts. Internal to expert_mlp.h.
//
//   routes(experts, count, ranks)   counting sort, stable: rows of an expert keep the order of the tokens; with several ranks, counts are exchanged
//   dispatch(x)                     [T, width] -> [rows(), width], grouped by this rank's experts; of one expert by source rank, then as sent
//   send_back(rows)                 the way back: [rows(), width] -> [T * choices, width] in sorted order (places finds a token's)
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/expert_mlp.h"

namespace phidias::kernels {

struct ExpertRoutes {
  ExpertRoutes() = default;
  // experts [T, choices] int64; collective over the ranks when there are several.
  ExpertRoutes(const at::Tensor& experts, std::int64_t count, const ExpertRanks& ranks);

  std::int64_t rows() const { return offsets.back(); }
  std::int64_t local_experts() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  bool exchanged() const { return ranks.size > 1; }
  // x [T, width] (choices 1: [T * choices, width], a row per pair). Collective.
  at::Tensor dispatch(const at::Tensor& x, std::int64_t choices_of_x) const;
  at::Tensor send_back(const at::Tensor& rows) const;

  ExpertRanks ranks;
  std::int64_t choices = 0, first_expert = 0;
  at::Tensor pairs, places;           // [T * choices], [T, choices]: see expert_rows.h
  std::vector<std::int64_t> offsets;  // rows of local expert e: [offsets[e], offsets[e + 1])

 private:
  void sort(const at::Tensor& experts, std::vector<std::int64_t>& counts);
  void exchange_counts(const std::vector<std::int64_t>& counts);

  std::vector<std::int64_t> sent_, received_;  // rows per rank
  at::Tensor arrival_, departure_;             // [rows()]: row in expert order -> row in order of arrival, and its inverse
};

}  // namespace phidias::kernels
