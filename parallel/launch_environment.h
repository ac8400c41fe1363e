// How this process was started, read from the environment that mpirun (OpenMPI 4 and 5), other PMI launchers and srun leave.
#pragma once

#include <functional>
#include <string>

namespace phidias::parallel {

struct LaunchEnvironment {
  bool uses_mpi = false;  // a launcher that MPI understands started this process
  int expected_size = 0;  // ranks it says there are; 0: unknown
};

// `variable(name)` returns the value or null, as std::getenv. Throws ConfigError when srun started several tasks without a PMI: MPI would give
// each of them a world of its own.
LaunchEnvironment read_launch_environment(const std::function<const char*(const char*)>& variable);

// Throws ConfigError when MPI found another number of ranks than the launcher announced: the program was linked to another MPI than mpirun's.
void check_world_size(const LaunchEnvironment& environment, int size);

}  // namespace phidias::parallel
