#include "kernels/expert_routes.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>

#include <numeric>

#include "base/error.h"
#include "kernels/expert_rows.h"

namespace phidias::kernels {
namespace {

parallel::DataType data_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return parallel::DataType::float32;
    case at::kDouble:
      return parallel::DataType::float64;
    case at::kBFloat16:
      return parallel::DataType::bfloat16;
    case at::kLong:
      return parallel::DataType::int64;
    default:
      throw ConfigError(std::string("experts on several ranks: rows of type ") + c10::toString(type) + " cannot be sent; use float32 or bfloat16");
  }
}

std::vector<std::int64_t> times(std::vector<std::int64_t> counts, std::int64_t factor) {
  for (std::int64_t& count : counts) count *= factor;
  return counts;
}

std::vector<std::int64_t> offsets_of(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> offsets(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), offsets.begin() + 1);
  return offsets;
}

// The inverse of a permutation.
at::Tensor inverse(const at::Tensor& permutation) {
  const at::Tensor result = at::empty_like(permutation);
  const std::int64_t* from = permutation.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < permutation.numel(); ++i) result.mutable_data_ptr<std::int64_t>()[from[i]] = i;
  return result;
}

}  // namespace

ExpertRoutes::ExpertRoutes(const at::Tensor& experts, std::int64_t count, const ExpertRanks& ranks_in) : ranks(ranks_in), choices(experts.size(1)) {
  first_expert = ranks.rank * (count / ranks.size);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(count), 0);
  sort(experts.contiguous(), counts);
  if (exchanged())
    exchange_counts(counts);
  else
    offsets = offsets_of(counts);
}

void ExpertRoutes::sort(const at::Tensor& experts, std::vector<std::int64_t>& counts) {
  const auto count = static_cast<std::int64_t>(counts.size());
  if (!experts.is_cpu()) {
    const at::Tensor flat = experts.reshape(-1);
    pairs = std::get<1>(at::sort(flat, /*stable=*/true, 0, /*descending=*/false));
    places = at::empty_like(pairs).scatter_(0, pairs, at::arange(pairs.numel(), pairs.options())).view(experts.sizes());
    const at::Tensor on_host = at::bincount(flat, {}, count).cpu();
    counts.assign(on_host.const_data_ptr<std::int64_t>(), on_host.const_data_ptr<std::int64_t>() + count);
    return;
  }
  const std::int64_t total = experts.numel(), *chosen = experts.const_data_ptr<std::int64_t>();
  for (std::int64_t p = 0; p < total; ++p) {
    TORCH_CHECK(chosen[p] >= 0 && chosen[p] < count, "expert_mlp: expert ", chosen[p], " of ", count);
    ++counts[static_cast<std::size_t>(chosen[p])];
  }
  std::vector<std::int64_t> next = offsets_of(counts);
  pairs = at::empty({total}, at::kLong);
  places = at::empty_like(experts);
  for (std::int64_t p = 0; p < total; ++p) {
    const std::int64_t r = next[static_cast<std::size_t>(chosen[p])]++;
    pairs.mutable_data_ptr<std::int64_t>()[r] = p;
    places.mutable_data_ptr<std::int64_t>()[p] = r;
  }
}

void ExpertRoutes::exchange_counts(const std::vector<std::int64_t>& counts) {
  const auto size = static_cast<std::size_t>(ranks.size), local = counts.size() / size;
  const std::vector<std::int64_t> each(size, static_cast<std::int64_t>(local));
  std::vector<std::int64_t> incoming(counts.size());  // [source rank][local expert]
  ranks.host->all_to_all_v(counts.data(), each, incoming.data(), each, parallel::DataType::int64);

  sent_.assign(size, 0);
  received_.assign(size, 0);
  std::vector<std::int64_t> per_expert(local, 0);
  for (std::size_t r = 0; r < size; ++r) {
    for (std::size_t e = 0; e < local; ++e) {
      sent_[r] += counts[r * local + e];
      received_[r] += incoming[r * local + e];
      per_expert[e] += incoming[r * local + e];
    }
  }
  offsets = offsets_of(per_expert);
  // Rows arrive by source rank, then by expert; they are computed by expert, then by source rank.
  const std::vector<std::int64_t> arrivals = offsets_of(incoming);
  at::Tensor order = at::empty({rows()}, at::kLong);
  std::int64_t* next = order.mutable_data_ptr<std::int64_t>();
  for (std::size_t e = 0; e < local; ++e)
    for (std::size_t r = 0; r < size; ++r)
      for (std::int64_t i = 0; i < incoming[r * local + e]; ++i) *next++ = arrivals[r * local + e] + i;
  departure_ = inverse(order).to(pairs.device());
  arrival_ = order.to(pairs.device());
}

at::Tensor ExpertRoutes::dispatch(const at::Tensor& x, std::int64_t choices_of_x) const {
  const std::int64_t width = x.size(1);
  const at::Tensor sorted = at::empty({pairs.numel(), width}, x.options());
  gather_rows(x, pairs, choices_of_x, sorted);
  if (!exchanged()) return sorted;
  const at::Tensor arrived = at::empty({rows(), width}, x.options()), grouped = at::empty_like(arrived);
  ranks.device->all_to_all_v(sorted.const_data_ptr(), times(sent_, width), arrived.mutable_data_ptr(), times(received_, width), data_type(x.scalar_type()));
  gather_rows(arrived, arrival_, 1, grouped);
  return grouped;
}

at::Tensor ExpertRoutes::send_back(const at::Tensor& rows_in) const {
  if (!exchanged()) return rows_in;
  const std::int64_t width = rows_in.size(1);
  const at::Tensor leaving = at::empty_like(rows_in), sorted = at::empty({pairs.numel(), width}, rows_in.options());
  gather_rows(rows_in, departure_, 1, leaving);
  ranks.device->all_to_all_v(leaving.const_data_ptr(), times(received_, width), sorted.mutable_data_ptr(), times(sent_, width),
                             data_type(rows_in.scalar_type()));
  return sorted;
}

}  // namespace phidias::kernels
