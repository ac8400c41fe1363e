#include "launch/model_directory_name.h"

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias::launch {

namespace fs = std::filesystem;

fs::path resolve_model_directory(const std::string& given) {
  const fs::path directory = given;
  if (!fs::is_directory(directory)) throw CheckpointError(given + " is not a directory");
  const auto is_model = [](const fs::path& path) { return fs::exists(path / "config.json") || fs::exists(path / "adapter_config.json"); };
  if (is_model(directory)) return directory;
  if (is_model(directory / "final")) return directory / "final";
  if (is_model(directory / "model")) return directory / "model";
  const fs::path latest = directory / "checkpoints" / "latest";
  if (fs::exists(latest)) {
    std::string name = read_file(latest);
    while (!name.empty() && (name.back() == '\n' || name.back() == ' ')) name.pop_back();
    if (is_model(directory / "checkpoints" / name / "model")) return directory / "checkpoints" / name / "model";
  }
  throw CheckpointError(
      given + " is neither a Hugging Face directory (config.json), nor an adapter's (adapter_config.json), nor a run directory (final/ or checkpoints/latest)");
}

fs::path resolve_tokenizer_directory(const std::string& given) {
  for (const char* file : {"config.json", "adapter_config.json", "checkpoints", "final"}) {
    if (fs::exists(fs::path(given) / file)) return resolve_model_directory(given);
  }
  if (!fs::is_directory(given)) throw DataError(given + " is not a directory");
  return given;
}

void require_new_directory(const std::filesystem::path& output) {
  if (!std::filesystem::exists(output) || (std::filesystem::is_directory(output) && std::filesystem::is_empty(output))) return;
  throw ConfigError(output.string() + " exists already; name another directory");
}

}  // namespace phidias::launch
