#include "trainer/engine/tensor_collector.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "trainer/root_work.h"

namespace phidias::trainer {
namespace {

const at::Tensor& memory_of(const UnitState& state, StateKind kind) {
  switch (kind) {
    case StateKind::exp_avg:
      return state.exp_avg;
    case StateKind::exp_avg_sq:
      return state.exp_avg_sq;
    case StateKind::value:
      break;
  }
  return state.unit->trainable ? state.masters : state.own_values;
}

}  // namespace

TensorCollector::TensorCollector(const FlatParameters& parameters, parallel::Communicator& host, parallel::Communicator& device, int expert_rank)
    : parameters_(parameters), host_(host), device_(device), places_(static_cast<std::size_t>(host.size())) {
  // Among the ranks with the same experts, parts are numbered in the order of ranks.
  std::vector<std::int64_t> expert_ranks(places_.size());
  const std::int64_t mine = expert_rank;
  host.all_gather(&mine, expert_ranks.data(), 1, parallel::DataType::int64);
  std::map<std::int64_t, std::int64_t> seen;
  for (std::size_t r = 0; r < places_.size(); ++r) places_[r] = {expert_ranks[r], seen[expert_ranks[r]]++};
  gather_names(expert_rank);
}

// Ranks differ in the names of their experts alone: unit, slot and place in the storage are the same.
void TensorCollector::gather_names(int expert_rank) {
  std::string names;  // of this rank's experts, one per line
  const bool speaks = places_[static_cast<std::size_t>(host_.rank())].part_of_replicas == 0;
  const auto& units = parameters_.units();
  const auto for_each_tensor = [&](auto&& visit) {
    for (std::size_t u = 0; u < units.size(); ++u)
      for (std::size_t s = 0; s < units[u].unit->slots.size(); ++s) {
        const models::ParameterDeclaration& declaration = *units[u].unit->slots[s].declaration;
        for (std::size_t t = 0; t < declaration.tensors.size(); ++t)
          visit(units[u], declaration, declaration.tensors[t],
                Request{static_cast<std::int64_t>(u), static_cast<std::int64_t>(s), static_cast<std::int64_t>(t), expert_rank, 0});
      }
  };
  for_each_tensor([&](const UnitState& state, const auto&, const models::LogicalTensor& tensor, const Request&) {
    if (speaks && state.unit->placement == models::Placement::expert) names += tensor.name + "\n";
  });
  const std::vector<std::string> all = parallel::all_gather_strings(host_, names);
  if (host_.rank() != 0) return;
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (places_[r].part_of_replicas != 0) continue;
    std::istringstream lines(all[r]);
    for_each_tensor([&](const UnitState& state, const models::ParameterDeclaration& declaration, const models::LogicalTensor& tensor, Request request) {
      const bool is_expert = state.unit->placement == models::Placement::expert;
      if (!is_expert && r != 0) return;
      std::string name = tensor.name;
      if (is_expert) std::getline(lines, name);
      request.expert_rank = places_[r].expert_rank;
      tensors_[name] = {name, tensor.shape, &declaration, state.unit->trainable};
      requests_[name] = request;
    });
  }
}

void TensorCollector::run(const std::function<void()>& work_of_root) {
  const at::NoGradGuard no_grad;
  if (host_.rank() != 0) serve();
  on_root(host_, [&] {
    const auto release = [&] {
      Request finished;
      host_.broadcast(&finished, sizeof(Request) / sizeof(std::int64_t), parallel::DataType::int64, 0);
    };
    try {
      work_of_root();
    } catch (...) {
      release();
      throw;
    }
    release();
  });
}

void TensorCollector::serve() {
  for (;;) {
    Request request;
    host_.broadcast(&request, sizeof(Request) / sizeof(std::int64_t), parallel::DataType::int64, 0);
    if (request.unit < 0) return;
    collect(request, {});
  }
}

at::Tensor TensorCollector::tensor(const std::string& name, StateKind kind) {
  const auto found = requests_.find(name);
  if (found == requests_.end()) throw CheckpointError("tensor " + name + " is none of the model's");
  Request request = found->second;
  request.kind = static_cast<std::int64_t>(kind);
  // Before the others are asked: an allocation that fails must not leave them sending.
  const at::Tensor whole = is_whole_here(request) ? at::Tensor() : at::empty({range_of(request).count()}, memory_of(request).options());
  host_.broadcast(&request, sizeof(Request) / sizeof(std::int64_t), parallel::DataType::int64, 0);
  return collect(request, whole).view(tensors_.at(name).shape);
}

int TensorCollector::owner(const UnitState& state, std::int64_t expert_rank, int part) const {
  if (state.unit->placement == models::Placement::dense) return part;
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.expert_rank == expert_rank && place.part_of_replicas == part; });
  return static_cast<int>(found - places_.begin());
}

const UnitState& TensorCollector::unit_of(const Request& request) const { return parameters_.units().at(static_cast<std::size_t>(request.unit)); }

const at::Tensor& TensorCollector::memory_of(const Request& request) const {
  return trainer::memory_of(unit_of(request), static_cast<StateKind>(request.kind));
}

TensorCollector::Range TensorCollector::range_of(const Request& request) const {
  const UnitSlot& slot = unit_of(request).unit->slots.at(static_cast<std::size_t>(request.slot));
  const models::LogicalTensor& tensor = slot.declaration->tensors.at(static_cast<std::size_t>(request.tensor));
  return {slot.offset + tensor.offset, slot.offset + tensor.offset + tensor.count()};
}

bool TensorCollector::is_whole_here(const Request& request) const {
  const UnitState& state = unit_of(request);
  const auto [first, last] = range_of(request);
  const std::int64_t shard = state.unit->shard(), part = first / shard;
  return last <= (part + 1) * shard && owner(state, request.expert_rank, static_cast<int>(part)) == host_.rank();
}

at::Tensor TensorCollector::collect(const Request& request, const at::Tensor& whole) {
  const UnitState& state = unit_of(request);
  const at::Tensor& memory = memory_of(request);
  const auto [first, last] = range_of(request);
  const std::int64_t shard = state.unit->shard();
  for (int part = static_cast<int>(first / shard); part < state.unit->ranks && part * shard < last; ++part) {
    const std::int64_t begin = std::max(first, part * shard), end = std::min(last, (part + 1) * shard);
    const int from = owner(state, request.expert_rank, part);
    const bool mine = from == host_.rank();
    const at::Tensor own = mine ? memory.narrow(0, begin - part * shard, end - begin) : at::Tensor();
    if (host_.rank() != 0) {
      if (mine) device_.send(own.const_data_ptr(), end - begin, data_type_of(own), 0);
      continue;
    }
    if (!whole.defined()) return own;
    at::Tensor target = whole.narrow(0, begin - first, end - begin);
    if (mine)
      target.copy_(own);
    else
      device_.receive(target.mutable_data_ptr(), end - begin, data_type_of(target), from);
  }
  return whole;
}

}  // namespace phidias::trainer
