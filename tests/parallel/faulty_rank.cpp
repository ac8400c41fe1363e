// A job that goes on until something happens to it; faults_test.sh makes it happen.
//
//   faulty_rank FOLDER MODE [RANK]     writes FOLDER/pid.<rank> once it is under way, then reduces for ever, or until
//     wait        a stop signal: leaves with its exit code (the safe save of a training run)
//     throw       rank RANK throws a DataError in its second round
//     throw-all   every rank throws the same
//     leave-out   rank RANK stays away from a collective whose deadline is 2 seconds
//     crash       rank RANK gets a segmentation fault
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/signals.h"
#include "parallel/world.h"

using namespace phidias;

namespace {

int run(parallel::World& world, const std::string& folder, const std::string& mode, int chosen) {
  const SignalWatch signals;
  const bool mine = world.rank() == chosen;
  std::vector<float> gradient(100000, 1.0f);
  if (mode == "leave-out") world.set_timeout(2);
  for (int round = 0;; ++round) {
    world.host().all_reduce(gradient.data(), static_cast<std::int64_t>(gradient.size()), parallel::DataType::float32, parallel::ReduceOp::max);
    std::int32_t stop = signals.received();
    world.host().all_reduce(&stop, 1, parallel::DataType::int32, parallel::ReduceOp::max);
    if (round == 1) write_file_atomic(folder + "/pid." + std::to_string(world.rank()), std::to_string(::getpid()));
    if (stop != 0) return 128 + stop;
    if (round < 2) continue;
    if (mode == "throw-all" || (mode == "throw" && mine)) throw DataError("train.jsonl:17: broken record");
    if (mode == "crash" && mine) std::raise(SIGSEGV);
    if (mode == "leave-out" && mine) std::this_thread::sleep_for(std::chrono::seconds(60));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // as a step would
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return static_cast<int>(ExitCode::usage);
  parallel::World world = parallel::World::start();
  try {
    return run(world, argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 0);
  } catch (const Error& error) {
    world.abort(static_cast<int>(error.code()), error.what());
  }
}
