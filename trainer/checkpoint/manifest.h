// manifest.json of a checkpoint: the hash and size of every file and the hash of every logical tensor.
//
// A tensor's hash is the hash of the hashes of its 16 MiB chunks, so that it does not depend on how files or shards cut it. Verification
// reads every byte: a flipped bit or a truncated file is found before anything of the checkpoint is used.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace phidias::trainer {

// Hashes every file below `directory` and writes manifest.json beside them. `tensors`: logical tensor name -> hash. Throws DataError.
void write_manifest(const std::filesystem::path& directory, const std::map<std::string, std::string>& tensors);
// Throws CheckpointError naming the first file that is missing, too short or damaged.
void verify_manifest(const std::filesystem::path& directory);
// fsyncs every file and folder below and including `directory`.
void sync_tree(const std::filesystem::path& directory);

}  // namespace phidias::trainer
