#include "trainer/run_directory.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include <torch/version.h>
#include "base/atomic_file.h"
#include "base/json.h"
#include "base/log.h"
#include "kernels/cuda_backend.h"
#include "trainer/root_work.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

void move_aside(const fs::path& root) {
  for (int number = 1;; ++number) {
    const fs::path aside = root.string() + ".previous-" + std::to_string(number);
    if (fs::exists(aside)) continue;
    fs::rename(root, aside);
    log_info("checkpoint.resume is never: the run that was in " + root.string() + " is now in " + aside.string());
    return;
  }
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// "CUDA 13.0, NCCL 2.28.9" as {"cuda": "13.0", "nccl": "2.28.9"}.
void add_versions(OrderedJson& json, const std::string& versions) {
  std::istringstream parts(versions);
  for (std::string part; std::getline(parts >> std::ws, part, ',');) {
    const auto space = part.find(' ');
    std::string name = part.substr(0, space);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    json[name] = space == std::string::npos ? "" : part.substr(space + 1);
  }
}

}  // namespace

void RunDirectory::open(configs::Resume resume, parallel::World& world, LogLevel level) {
  on_root(world.host(), [&] {
    fs::path root = root_;
    if (root.filename().empty()) root = root.parent_path();  // "runs/x/"
    if (root.has_parent_path()) fs::create_directories(root.parent_path());
    lock_ = std::make_unique<RunLock>(root);
    if (resume == configs::Resume::never && (fs::exists(metrics()) || fs::exists(checkpoints()))) move_aside(root);
    fs::create_directories(root);
  });
  const std::string file = world.rank() == 0 ? "log.txt" : "log.rank-" + std::to_string(world.rank()) + ".txt";
  configure_logging({.rank = world.rank(), .world_size = world.size(), .level = level, .file = root_ / file});
}

void RunDirectory::write_config(const configs::RunConfig& config, const std::string& environment) const {
  write_file_atomic(root_ / "config.yaml", configs::dump_run_config(config));
  write_file_atomic(root_ / "environment.json", environment);
}

std::string describe_environment(parallel::World& world, at::Device device, parallel::Communicator& gradients) {
  const std::vector<std::string> hosts = parallel::all_gather_strings(world.host(), host_name());
  OrderedJson json = {{"started", utc_now()},
                      {"program", PHIDIAS_PROGRAM_VERSION},
                      {"commit", PHIDIAS_COMMIT},
                      {"torch", TORCH_VERSION},
                      {"cuda", nullptr},
                      {"nccl", nullptr},
                      {"mpi", parallel::mpi_library_version()},
                      {"compiler", __VERSION__},
                      {"processor", processor_name()},
                      {"cores", std::thread::hardware_concurrency()},
                      {"ranks", world.size()},
                      {"hosts", hosts},
                      {"device", device.str()},
                      {"gradients_over", gradients.name()}};
  if (device.is_cuda()) {
    json["gpu"] = kernels::require_cuda().describe(device.index()).name;
    add_versions(json, kernels::require_cuda().versions());
  }
  return json.dump(1) + "\n";
}

}  // namespace phidias::trainer
