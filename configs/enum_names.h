// The words of every enumeration in a recipe, in the order of the enumerators.
#pragma once

#include <array>
#include <string_view>

#include "configs/model_config.h"
#include "configs/run_config.h"

namespace phidias::configs {

template <class Enum>
inline constexpr std::array<std::string_view, 0> enum_names{};

template <>
inline constexpr std::array<std::string_view, 3> enum_names<Architecture>{"phi3", "phimoe", "phi3small"};
template <>
inline constexpr std::array<std::string_view, 6> enum_names<Method>{"pretrain", "sft", "reward", "dpo", "ppo", "longrope"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<DType>{"auto", "float32", "bfloat16"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<RecomputePolicy>{"none", "mlp", "block"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<WindowRule>{"exclusive", "inclusive"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<AutoBool>{"auto", "false", "true"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<Router>{"sparsemixer", "deterministic", "frozen"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<AuxCounts>{"micro_batch", "previous_step"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<OverLength>{"auto", "truncate", "drop", "split"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<TrainOn>{"assistant", "last_assistant", "all"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<SpecialTokensInContent>{"text", "parse", "error"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<OnError>{"stop", "skip"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<StateDType>{"float32", "bfloat16"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<Decay>{"matrices", "all"};
template <>
inline constexpr std::array<std::string_view, 5> enum_names<ScheduleName>{"constant", "linear", "cosine", "wsd", "inverse_sqrt"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<Shard>{"none", "optimizer", "gradients", "parameters"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<Backend>{"auto", "nccl", "mpi"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<Resume>{"auto", "never", "force"};

// The word of a value, as it stands in a recipe.
template <class Enum>
constexpr std::string_view enum_name(Enum value) {
  return enum_names<Enum>[static_cast<std::size_t>(value)];
}

}  // namespace phidias::configs
