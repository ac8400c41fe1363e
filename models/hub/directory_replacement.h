// A directory that is written beside its final name and takes it at the end, so that a reader finds the old one or the new one, never a part.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias::models {

// A sibling of `out` that takes its name in commit(); removed when something fails before. Throws CheckpointError.
class DirectoryReplacement {
 public:
  explicit DirectoryReplacement(std::filesystem::path out) : out_(std::move(out)) {
    if (!out_.has_filename()) out_ = out_.parent_path();  // "final/"
    const std::string suffix = std::to_string(::getpid());
    temporary_ = out_.string() + ".tmp-" + suffix;
    previous_ = out_.string() + ".old-" + suffix;
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
    try {
      std::filesystem::create_directories(temporary_);
    } catch (const std::filesystem::filesystem_error& error) {
      throw CheckpointError("cannot create " + temporary_.string() + ": " + error.code().message());
    }
  }
  ~DirectoryReplacement() {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
  }
  DirectoryReplacement(const DirectoryReplacement&) = delete;
  DirectoryReplacement& operator=(const DirectoryReplacement&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }

  void commit() {
    sync_directory(temporary_);
    std::error_code error;
    const bool replaces = std::filesystem::exists(std::filesystem::symlink_status(out_));
    if (replaces) std::filesystem::rename(out_, previous_, error);
    if (!error) std::filesystem::rename(temporary_, out_, error);
    if (error) {
      std::error_code ignored;
      if (replaces && !std::filesystem::exists(out_)) std::filesystem::rename(previous_, out_, ignored);
      throw CheckpointError("cannot give " + temporary_.string() + " the name " + out_.string() + ": " + error.message());
    }
    sync_directory(out_.has_parent_path() ? out_.parent_path() : std::filesystem::path("."));
    if (replaces) std::filesystem::remove_all(previous_, error);
  }

 private:
  std::filesystem::path out_, temporary_, previous_;
};

}  // namespace phidias::models
