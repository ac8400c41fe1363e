#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "tests/support/mpi_test.h"

namespace phidias::mpi_test {
namespace {

constexpr double kTimeoutSeconds = 120;
std::unique_ptr<parallel::World> the_world;

class FailuresOnly : public ::testing::EmptyTestEventListener {
 public:
  explicit FailuresOnly(int rank) : rank_(rank) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_, result.file_name() ? result.file_name() : "?", result.line_number(), result.message());
  }

 private:
  int rank_;
};

}  // namespace

parallel::World& world() { return *the_world; }

int run_on_every_rank() {
  parallel::World& ranks = world();
  configure_logging({.rank = ranks.rank(), .world_size = ranks.size()});
  if (ranks.rank() != 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly(ranks.rank()));
  }
  std::int32_t failed = RUN_ALL_TESTS();
  ranks.host().all_reduce(&failed, 1, parallel::DataType::int32, parallel::ReduceOp::max);
  return failed;
}

}  // namespace phidias::mpi_test

int main(int argc, char** argv) {
  using namespace phidias;
  ::testing::InitGoogleTest(&argc, argv);
  try {
    mpi_test::the_world = std::make_unique<parallel::World>(parallel::World::start({.timeout_seconds = mpi_test::kTimeoutSeconds}));
    const int failed = mpi_test::run_on_every_rank();
    mpi_test::the_world.reset();
    return failed;
  } catch (const std::exception& error) {
    if (mpi_test::the_world) mpi_test::the_world->abort(static_cast<int>(ExitCode::communication), error.what());
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(ExitCode::communication);
  }
}
