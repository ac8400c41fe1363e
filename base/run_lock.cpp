#include "base/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"

namespace phidias {
namespace {

// The holder removes the file when it is done: a lock on a file that has lost its name since protects nothing.
bool still_named(int descriptor, const std::filesystem::path& path) {
  struct stat ours{}, named{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& directory, double patience_seconds)
    : path_((directory.has_filename() ? directory : directory.parent_path()).string() + ".lock") {  // "run/" is "run"
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  for (bool told = false;; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw DataError("cannot write " + path_.string() + ": " + std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 ? still_named(descriptor_, path_) : errno != EWOULDBLOCK && errno != EINTR) break;
    ::close(descriptor_);
    descriptor_ = -1;
    if (std::chrono::duration<double>(Clock::now() - start).count() > patience_seconds) {
      throw ConfigError(directory.string() + " is in use by process " + read_file(path_) + ": one job at a time in a run directory");
    }
    if (!told) log_info("waiting for another job to leave " + directory.string());
    told = true;
  }
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, process.data(), process.size(), 0) < 0) return;  // the number is a courtesy
}

RunLock::~RunLock() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace phidias
