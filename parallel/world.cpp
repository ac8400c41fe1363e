#include "parallel/world.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "parallel/heartbeat.h"
#include "parallel/launch_environment.h"
#include "parallel/local_ranks.h"
#include "parallel/mpi_communicator.h"
#include "parallel/mpi_session.h"
#include "parallel/single_process.h"

namespace phidias::parallel {

MeshShape fitted(const MeshShape& shape, int ranks) {
  const auto fail = [&](const std::string& reason) {
    throw ConfigError("parallel.data x parallel.expert x parallel.context = " + (shape.data == 0 ? "auto" : std::to_string(shape.data)) + " x " +
                      std::to_string(shape.expert) + " x " + std::to_string(shape.context) + " does not fit " + std::to_string(ranks) + " ranks: " + reason);
  };
  if (shape.data < 0 || shape.expert < 1 || shape.context < 1) fail("every axis is at least 1 (data: 0 or auto takes the rest)");
  const int inner = shape.expert * shape.context;
  if (shape.data == 0 && ranks % inner != 0) fail("expert x context must divide the number of ranks");
  if (shape.data != 0 && shape.data * inner != ranks) fail("the product must be the number of ranks");
  return {shape.data == 0 ? ranks / inner : shape.data, shape.expert, shape.context};
}

// Members are destroyed from the last to the first: the heartbeat stops, groups are freed, MPI ends.
struct World::Impl {
  std::shared_ptr<CollectiveLog> log;
  std::unique_ptr<MpiSession> mpi;
  std::unique_ptr<Communicator> host;
  std::unique_ptr<Heartbeat> heartbeat;
  int local_rank = 0, local_size = 1;
  MeshShape mesh{.data = 1, .expert = 1, .context = 1};

  ~Impl() {
    if (heartbeat) heartbeat->say_goodbye();  // MPI_Finalize has no deadline: enter it together
  }
};

World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
World::~World() = default;
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;

World World::start(const WorldOptions& options) {
  auto impl = std::make_unique<Impl>();
  const LaunchEnvironment environment = read_launch_environment([](const char* name) -> const char* { return std::getenv(name); });
  impl->log = std::make_shared<CollectiveLog>(options.timeout_seconds);
  if (!environment.uses_mpi) {
    impl->host = std::make_unique<SingleProcess>();
    return World(std::move(impl));
  }
  impl->mpi = std::make_unique<MpiSession>();
  impl->host = std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, "world", impl->log);
  check_world_size(environment, impl->host->size());
  if (impl->host->size() == 1) {
    impl->host = std::make_unique<SingleProcess>();
    return World(std::move(impl));
  }
  const LocalRanks local = find_local_ranks(*impl->host);
  impl->local_rank = local.rank;
  impl->local_size = local.size;
  impl->mesh.data = impl->host->size();
  const char* end_file = std::getenv("PHIDIAS_JOB_END_FILE");
  const HeartbeatSettings settings{options.heartbeat_seconds, options.silent_seconds, local.beside_rank_0, end_file == nullptr ? "" : end_file};
  impl->heartbeat = start_heartbeat(*impl->host, settings, impl->log);
  return World(std::move(impl));
}

int World::rank() const { return impl_->host->rank(); }
int World::size() const { return impl_->host->size(); }
int World::local_rank() const { return impl_->local_rank; }
int World::local_size() const { return impl_->local_size; }
Communicator& World::host() const { return *impl_->host; }
const MeshShape& World::mesh() const { return impl_->mesh; }
int World::data_rank() const { return rank() / impl_->mesh.context; }
int World::data_size() const { return size() / impl_->mesh.context; }
int World::expert_rank() const { return rank() / impl_->mesh.context % impl_->mesh.expert; }

std::unique_ptr<Communicator> World::expert_group(Communicator& all) const {
  const MeshShape& mesh = impl_->mesh;
  const int data = rank() / (mesh.expert * mesh.context), context = rank() % mesh.context;
  return all.split(data * mesh.context + context, rank());
}

std::unique_ptr<Communicator> World::expert_replicas(Communicator& all) const { return all.split(expert_rank(), rank()); }

void World::set_timeout(double seconds) { impl_->log->set_timeout(seconds); }

void World::arrange(const MeshShape& shape) { impl_->mesh = fitted(shape, size()); }

void World::abort(int exit_code, const std::string& message) const {
  if (impl_->heartbeat) impl_->heartbeat->end_job(exit_code, message);
  log_error(message);
  std::fflush(nullptr);
  ::_exit(exit_code);
}

}  // namespace phidias::parallel
