// Whole checkpoint tensors on rank 0, one at a time, wherever their parts are.
//
// Rank 0 writes and asks for a tensor when its turn comes; the others answer until rank 0 has finished. Its order is its own business, so files look
// the same at every layout, and when it fails (a full disk) the others hear of it instead of waiting.
//
//   TensorCollector collector(parameters, ranks);                       // collective
//   collector.run([&] { write(collector.tensor(name, StateKind::value)); });   // collective; the function runs on rank 0 alone
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/causal_lm.h"
#include "parallel/communicator.h"
#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

// value: float32 masters of trainable parameters, compute values of frozen ones.
enum class StateKind : std::int64_t { value, exp_avg, exp_avg_sq };

class TensorCollector {
 public:
  // `host` and `device`: all ranks in the same order. `expert_rank`: which experts this rank has. Both communicators and `parameters` outlive it.
  TensorCollector(const FlatParameters& parameters, parallel::Communicator& host, parallel::Communicator& device, int expert_rank);

  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    const models::ParameterDeclaration* declaration;  // this rank's twin of it: other experts have the same ones under other names
    bool trainable;
  };
  // Rank 0: every tensor of the whole model, of all experts; by name.
  const std::map<std::string, Entry>& tensors() const { return tensors_; }

  // Collective. An error of rank 0 is thrown by every rank.
  void run(const std::function<void()>& work_of_root);
  // Rank 0, inside run(). On the model's device, in the dtype it is kept in; may be a view. Throws CheckpointError for an unknown name.
  at::Tensor tensor(const std::string& name, StateKind kind);

 private:
  struct Request {
    std::int64_t unit = -1, slot = 0, tensor = 0, expert_rank = 0, kind = 0;  // unit -1: rank 0 has finished
  };
  struct Range {
    std::int64_t first, last;  // elements of the unit
    std::int64_t count() const { return last - first; }
  };
  struct Place {
    std::int64_t expert_rank = 0, part_of_replicas = 0;
  };

  void gather_names(int expert_rank);
  void serve();
  // Collective over rank 0 and the owners of the tensor; the result is rank 0's.
  // `whole`: on rank 0 where it has only a part.
  at::Tensor collect(const Request& request, const at::Tensor& whole);
  const UnitState& unit_of(const Request& request) const;
  const at::Tensor& memory_of(const Request& request) const;
  Range range_of(const Request& request) const;
  bool is_whole_here(const Request& request) const;
  int owner(const UnitState& state, std::int64_t expert_rank, int part) const;

  const FlatParameters& parameters_;
  parallel::Communicator& host_;
  parallel::Communicator& device_;
  std::vector<Place> places_;  // of every rank
  std::map<std::string, Entry> tensors_;
  std::map<std::string, Request> requests_;
};

}  // namespace phidias::trainer
