#include "trainer/checkpoint/manifest.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kManifestName = "manifest.json";

void sync_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done) throw DataError(path.string() + ": cannot be made durable: " + std::strerror(reason));
}

}  // namespace

void write_manifest(const fs::path& directory, const std::map<std::string, std::string>& tensors) {
  OrderedJson files = OrderedJson::object();
  std::map<std::string, fs::path> sorted;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) sorted[fs::relative(entry.path(), directory).generic_string()] = entry.path();
  for (const auto& [name, path] : sorted) files[name] = {{"bytes", fs::file_size(path)}, {"xxh128", hash_file(path).hex()}};
  const OrderedJson manifest = {{"format", "phidias-checkpoint-1"}, {"files", files}, {"tensors", tensors}};
  write_file_atomic(directory / kManifestName, manifest.dump(1) + "\n");
}

void verify_manifest(const fs::path& directory) {
  if (!fs::exists(directory / kManifestName)) throw CheckpointError(directory.string() + ": manifest.json is missing");
  try {
    const Json manifest = read_json(directory / kManifestName);
    for (const auto& [name, expected] : manifest.at("files").items()) {
      const fs::path path = directory / name;
      if (!fs::is_regular_file(path)) throw CheckpointError(path.string() + ": missing");
      const auto bytes = expected.at("bytes").get<std::uintmax_t>();
      if (fs::file_size(path) != bytes)
        throw CheckpointError(path.string() + ": truncated or changed: " + std::to_string(fs::file_size(path)) + " of " + std::to_string(bytes) + " bytes");
      if (hash_file(path).hex() != expected.at("xxh128").get<std::string>())
        throw CheckpointError(path.string() + ": damaged: its hash differs from the manifest");
    }
  } catch (const Json::exception& error) {
    throw CheckpointError((directory / kManifestName).string() + ": not a manifest: " + error.what());
  } catch (const DataError& error) {
    throw CheckpointError(error.what());
  }
}

void sync_tree(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) sync_file(entry.path());
    if (entry.is_directory()) sync_directory(entry.path());
  }
  sync_directory(directory);
}

}  // namespace phidias::trainer
