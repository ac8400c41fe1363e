// Engine: weights and optimizer state to and from a checkpoint, and from rank 0 to all.
//
// optimizer/optimizer.safetensors holds exp_avg.<name>, exp_avg_sq.<name> and, where model/ is not float32, master.<name>; its metadata
// the number of updates. Where model/ is float32 the masters are model/ itself.
#include <c10/core/GradMode.h>

#include <charconv>

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

parallel::DataType data_type_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? parallel::DataType::float32 : parallel::DataType::bfloat16;
}

void hash_tensors_of(const fs::path& file, const std::string& prefix, std::map<std::string, std::string>& hashes) {
  const models::SafetensorsFile tensors(file);
  for (const auto& entry : tensors.header().tensors) hashes[prefix + entry.name] = models::hash_tensor(tensors.tensor(entry.name)).hex();
}

// Copies the tensor of a state file into `target`; the shapes must agree.
void copy_state(const models::SafetensorsFile& file, const std::string& name, at::Tensor target) {
  const at::Tensor stored = file.tensor(name);
  if (stored.sizes() != target.sizes()) throw CheckpointError(file.path().string() + ": " + name + " has another shape than the model's parameter");
  target.copy_(stored);
}

std::int64_t updates_of(const models::SafetensorsFile& file) {
  const auto found = file.header().metadata.find(kUpdates);
  std::int64_t updates = -1;
  if (found != file.header().metadata.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), updates);
  if (updates < 0) throw CheckpointError(file.path().string() + ": the number of updates is missing from its metadata");
  return updates;
}

}  // namespace

void Engine::broadcast_state(bool with_optimizer) {
  std::vector<at::Tensor> flats = {parameters_->master(), parameters_->frozen_values()};
  if (with_optimizer) flats.insert(flats.end(), {optimizer_->exp_avg(), optimizer_->exp_avg_sq()});
  for (at::Tensor& flat : flats) ranks_.device->broadcast(flat.mutable_data_ptr(), flat.numel(), data_type_of(flat), 0);
}

void Engine::save_model(const fs::path& directory, const fs::path& source, at::ScalarType weights_dtype) {
  std::map<std::string, at::Tensor> values;
  for (const FlatSlot& slot : parameters_->trainable()) values[slot.name()] = slot.view(parameters_->master());
  for (const FlatSlot& slot : parameters_->frozen()) values[slot.name()] = slot.view(parameters_->frozen_values());
  models::SaveOptions options;
  options.source = source;
  options.dtype = weights_dtype;
  models::save_model_directory(directory, *model_, [&values](const std::string& name) { return values.at(name); }, options);
}

std::map<std::string, std::string> Engine::save(const fs::path& directory, const fs::path& source, at::ScalarType weights_dtype) {
  save_model(directory / "model", source, weights_dtype);
  std::vector<models::TensorToWrite> states;
  for (const FlatSlot& slot : parameters_->trainable()) {
    if (weights_dtype != at::kFloat) states.push_back(models::tensor_to_write("master." + slot.name(), slot.view(parameters_->master())));
    states.push_back(models::tensor_to_write("exp_avg." + slot.name(), slot.view(optimizer_->exp_avg())));
    states.push_back(models::tensor_to_write("exp_avg_sq." + slot.name(), slot.view(optimizer_->exp_avg_sq())));
  }
  fs::create_directories(directory / "optimizer");
  models::write_safetensors(directory / kOptimizerFile, std::move(states), {{"format", "pt"}, {kUpdates, std::to_string(optimizer_->steps_done())}});

  std::map<std::string, std::string> hashes;
  for (const auto& entry : fs::directory_iterator(directory / "model"))
    if (entry.path().extension() == ".safetensors") hash_tensors_of(entry.path(), "", hashes);
  hash_tensors_of(directory / kOptimizerFile, "", hashes);
  return hashes;
}

void Engine::load(const fs::path& directory) {
  const at::NoGradGuard no_grad;
  std::int64_t updates = 0;
  on_root(*ranks_.host, [&] {
    const models::SafetensorsFile states(directory / kOptimizerFile);
    updates = updates_of(states);
    std::map<std::string, at::Tensor> from_model;
    for (const FlatSlot& slot : parameters_->frozen()) from_model[slot.name()] = slot.view(parameters_->frozen_values());
    for (const FlatSlot& slot : parameters_->trainable()) {
      at::Tensor master = slot.view(parameters_->master());
      if (states.find("master." + slot.name()) != nullptr)
        copy_state(states, "master." + slot.name(), master);
      else
        from_model[slot.name()] = master;
      copy_state(states, "exp_avg." + slot.name(), slot.view(optimizer_->exp_avg()));
      copy_state(states, "exp_avg_sq." + slot.name(), slot.view(optimizer_->exp_avg_sq()));
    }
    const models::ModelDirectory model_directory(directory / "model");
    const models::RangeReader read = models::range_reader(model_directory, *model_);
    for (const models::ParameterDeclaration& declaration : model_->declarations()) {
      const auto found = from_model.find(declaration.name);
      if (found == from_model.end()) continue;
      const at::Tensor flat = found->second.view({-1});
      for (const models::LogicalTensor& tensor : declaration.tensors) read(declaration, tensor, 0, tensor.count(), flat.narrow(0, tensor.offset, tensor.count()));
    }
  });
  broadcast_state(/*with_optimizer=*/true);
  ranks_.host->broadcast(&updates, 1, parallel::DataType::int64, 0);
  optimizer_->set_steps_done(updates);
  if (parameters_->compute().defined()) parameters_->compute().copy_(parameters_->master());
}

}  // namespace phidias::trainer
