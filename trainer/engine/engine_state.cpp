// Engine: weights and optimizer state to and from a checkpoint.
//
// optimizer/optimizer.safetensors holds exp_avg.<tensor>, exp_avg_sq.<tensor> and, where model/ is not float32, master.<tensor> for every trainable
// tensor of the checkpoint; its metadata the number of updates, and updates.<tensor> where an expert has fewer. Where model/ is float32 the masters are
// model/ itself.
#include <c10/core/GradMode.h>

#include <charconv>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "models/hub/model_directory.h"
#include "models/hub/safetensors.h"
#include "models/hub/tensor_hash.h"
#include "trainer/engine/engine.h"
#include "trainer/root_work.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOptimizerFile = "optimizer/optimizer.safetensors";
constexpr const char* kUpdates = "updates";

using Hashes = std::map<std::string, std::string>;

void hash_tensors_of(const fs::path& file, Hashes& hashes) {
  const models::SafetensorsFile tensors(file);
  for (const auto& entry : tensors.header().tensors) hashes[entry.name] = models::hash_tensor(tensors.tensor(entry.name)).hex();
}

// Remembers what was handed to a writer, to find it again in the files.
class Handed {
 public:
  at::Tensor note(const std::string& name, const at::Tensor& tensor, at::ScalarType dtype) {
    const at::Tensor written = tensor.to(at::kCPU, dtype).contiguous();
    hashes_[name] = models::hash_tensor(written).hex();
    return written;
  }
  // Throws CheckpointError unless the files hold just these tensors. Adapters' names have PEFT's prefix there.
  void check(const Hashes& files, const fs::path& directory) const {
    for (const auto& [name, hash] : files) {
      auto found = hashes_.find(name);
      if (found == hashes_.end() && name.starts_with(kAdapterPrefix)) found = hashes_.find(name.substr(kAdapterPrefix.size()));
      if (found == hashes_.end() || found->second != hash)
        throw CheckpointError(directory.string() + ": " + name + " reads back differently than it was written");
    }
    if (files.size() != hashes_.size())
      throw CheckpointError(directory.string() + " holds " + std::to_string(files.size()) + " tensors, " + std::to_string(hashes_.size()) + " were written");
  }

 private:
  static constexpr std::string_view kAdapterPrefix = "base_model.model.";
  Hashes hashes_;
};

// Elements [begin, end) of a state file's tensor into `out`.
void read_state(const models::SafetensorsFile& file, const std::string& name, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                at::Tensor out) {
  const at::Tensor stored = file.tensor(name);
  if (stored.sizes() != at::IntArrayRef(tensor.shape)) throw CheckpointError(file.path().string() + ": " + name + " has another shape than the model's tensor");
  out.copy_(stored.view({-1}).narrow(0, begin, end - begin));
}

std::optional<std::int64_t> number_in_metadata(const models::SafetensorsFile& file, const std::string& key) {
  const auto found = file.header().metadata.find(key);
  if (found == file.header().metadata.end()) return std::nullopt;
  std::int64_t number = -1;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  if (number < 0) throw CheckpointError(file.path().string() + ": \"" + key + "\" of its metadata is no number of updates");
  return number;
}

// The optimizer's counts over all ranks as metadata. Collective; replicas say the same.
models::SafetensorsMetadata update_counts(const Optimizer& optimizer, parallel::Communicator& host) {
  models::SafetensorsMetadata metadata = {{"format", "pt"}, {kUpdates, std::to_string(optimizer.steps_done())}};
  std::string mine;
  for (const auto& [tensor, updates] : optimizer.fewer_updates()) mine += tensor + " " + std::to_string(updates) + "\n";
  for (const std::string& list : parallel::all_gather_strings(host, mine)) {
    std::istringstream lines(list);
    for (std::string tensor, updates; lines >> tensor >> updates;) metadata[kUpdates + ("." + tensor)] = updates;
  }
  return metadata;
}

// model/ of a checkpoint: a Hugging Face directory, or a PEFT directory with the adapters alone.
class ModelReader {
 public:
  ModelReader(const fs::path& path, const models::CausalLM& model) {
    if (models::is_adapter_directory(path)) {
      adapters_.emplace(path);
      read_ = models::adapter_reader(*adapters_, model);
    } else {
      whole_.emplace(path);
      read_ = models::range_reader(*whole_, model);
    }
  }
  const models::RangeReader& read() const { return read_; }
  bool adapters_only() const { return adapters_.has_value(); }

 private:
  std::optional<models::AdapterDirectory> adapters_;
  std::optional<models::ModelDirectory> whole_;
  models::RangeReader read_;
};

}  // namespace

Hashes Engine::write_model(TensorCollector& collector, const fs::path& directory, const SaveTarget& target) {
  Handed handed;
  const at::ScalarType dtype = target.adapters ? at::kFloat : target.weights_dtype;
  const auto read = [&](const std::string& name) { return handed.note(name, collector.tensor(name, StateKind::value), dtype); };
  if (target.adapters) {
    models::save_adapter_directory(directory, *model_, read, *target.adapters);
  } else {
    models::SaveOptions options;
    options.source = target.source;
    options.dtype = target.weights_dtype;
    models::save_model_directory(directory, *model_, read, options);
  }
  Hashes hashes;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == ".safetensors") hash_tensors_of(entry.path(), hashes);
  handed.check(hashes, directory);
  return hashes;
}

Hashes Engine::write_states(TensorCollector& collector, const fs::path& file, const SaveTarget& target, const models::SafetensorsMetadata& metadata) {
  const at::ScalarType moments = options_.optimizer.state_dtype == configs::StateDType::float32 ? at::kFloat : at::kBFloat16;
  Handed handed;
  std::vector<models::TensorToWrite> states;
  for (const auto& [name, entry] : collector.tensors()) {
    if (!entry.trainable) continue;
    const auto add = [&](const char* prefix, at::ScalarType dtype, StateKind kind) {
      const auto read = [&collector, &handed, dtype, kind, tensor = name, key = prefix + name] {
        return handed.note(key, collector.tensor(tensor, kind), dtype);
      };
      states.push_back({prefix + name, dtype, entry.shape, read});
    };
    if (target.weights_dtype != at::kFloat) add("master.", at::kFloat, StateKind::value);
    add("exp_avg.", moments, StateKind::exp_avg);
    add("exp_avg_sq.", moments, StateKind::exp_avg_sq);
  }
  fs::create_directories(file.parent_path());
  models::write_safetensors(file, std::move(states), metadata);
  Hashes hashes;
  hash_tensors_of(file, hashes);
  handed.check(hashes, file);
  return hashes;
}

void Engine::visit_weights(const std::function<void(const std::string& name, const at::Tensor& value)>& visit) {
  TensorCollector collector(*parameters_, *ranks_.host, *ranks_.device, ranks_.expert_rank);
  collector.run([&] {
    for (const auto& [name, entry] : collector.tensors()) visit(name, collector.tensor(name, StateKind::value));
  });
}

void Engine::save_model(const fs::path& directory, const SaveTarget& target) {
  TensorCollector collector(*parameters_, *ranks_.host, *ranks_.device, ranks_.expert_rank);
  collector.run([&] { write_model(collector, directory, target); });
}

Hashes Engine::save(const fs::path& directory, const SaveTarget& target) {
  TensorCollector collector(*parameters_, *ranks_.host, *ranks_.device, ranks_.expert_rank);
  const models::SafetensorsMetadata metadata = update_counts(*optimizer_, *ranks_.host);
  Hashes hashes;
  collector.run([&] {
    hashes = write_model(collector, directory / "model", target);
    hashes.merge(write_states(collector, directory / kOptimizerFile, target, metadata));
  });
  return hashes;
}

void Engine::read_states(const fs::path& directory) {
  const at::NoGradGuard no_grad;
  const models::SafetensorsFile states(directory / kOptimizerFile);
  const std::optional<std::int64_t> updates = number_in_metadata(states, kUpdates);
  if (!updates) throw CheckpointError(states.path().string() + ": the number of updates is missing from its metadata");
  optimizer_->set_steps_done(*updates, [&](const std::string& tensor) { return number_in_metadata(states, kUpdates + ("." + tensor)).value_or(*updates); });
  const ModelReader model_directory(directory / "model", *model_);
  const models::RangeReader& read_model = model_directory.read();
  const auto moment = [&](const char* prefix) {
    return [&states, prefix](const auto&, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end, at::Tensor out) {
      read_state(states, prefix + tensor.name, tensor, begin, end, out);
    };
  };
  const OwnRange value = [&](const models::ParameterDeclaration& declaration, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                             at::Tensor out) {
    const std::string master = "master." + tensor.name;
    if (states.find(master) != nullptr)
      read_state(states, master, tensor, begin, end, out);
    else
      read_model(declaration, tensor, begin, end, out);
  };
  for (const UnitState& state : parameters_->units()) {
    if (!state.unit->trainable) {
      if (!model_directory.adapters_only()) for_own_ranges(state, state.own_values, read_model);
      continue;
    }
    for_own_ranges(state, state.masters, value);
    for_own_ranges(state, state.exp_avg, moment("exp_avg."));
    for_own_ranges(state, state.exp_avg_sq, moment("exp_avg_sq."));
  }
}

void Engine::load(const fs::path& directory) {
  on_every_rank(*ranks_.host, [&] {
    try {
      read_states(directory);
    } catch (const Error& error) {
      throw CheckpointError("rank " + std::to_string(ranks_.host->rank()) + ": " + error.what());
    }
  });
  parameters_->publish_values();
  residence_->values_changed();
}

}  // namespace phidias::trainer
