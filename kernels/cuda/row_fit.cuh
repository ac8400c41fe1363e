// How a row of a norm is laid into the registers of one block: packs of kVec values, kPacks per thread.
#pragma once

#include <type_traits>

#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {

constexpr int kMaxThreads = 512;

inline int threads_for(std::int64_t packs) { return static_cast<int>(packs >= kMaxThreads ? kMaxThreads : divide_up(packs, 32) * 32); }

// Calls launch<kVec, kPacks>(packs, threads) with the smallest number of packs per thread that holds a row.
template <typename T, typename Launch>
cudaError_t fit_row(std::int64_t hidden, bool wide, Launch launch) {
  const auto packs_per_thread = [&](auto vec) {
    constexpr int kVec = decltype(vec)::value;
    const std::int64_t packs = hidden / kVec;
    const int threads = threads_for(packs), count = static_cast<int>(packs);
    if (packs <= kMaxThreads) return launch.template operator()<kVec, 1>(count, threads);
    if (packs <= 2 * kMaxThreads) return launch.template operator()<kVec, 2>(count, threads);
    if (packs <= 4 * kMaxThreads) return launch.template operator()<kVec, 4>(count, threads);
    return cudaErrorInvalidValue;
  };
  return wide && hidden % kWide<T> == 0 ? packs_per_thread(std::integral_constant<int, kWide<T>>{}) : packs_per_thread(std::integral_constant<int, 1>{});
}

}  // namespace phidias::kernels::cuda
