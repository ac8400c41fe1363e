#include "parallel/launch_environment.h"

#include <charconv>
#include <cstring>

#include "base/error.h"

namespace phidias::parallel {
namespace {

int number_or_zero(const char* text) {
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

LaunchEnvironment read_launch_environment(const std::function<const char*(const char*)>& variable) {
  LaunchEnvironment result;
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) result.uses_mpi = result.uses_mpi || variable(name) != nullptr;
  // SLURM_STEP_NUM_TASKS is set by srun alone; the batch script itself, where a single process may well run, has only SLURM_NTASKS.
  const int tasks = number_or_zero(variable("SLURM_STEP_NUM_TASKS"));
  if (!result.uses_mpi && tasks > 1) {
    throw ConfigError("srun started " + std::to_string(tasks) + " tasks without MPI support: use srun --mpi=pmix, or launch/mpirun.sh inside the allocation");
  }
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (result.uses_mpi && result.expected_size == 0) result.expected_size = number_or_zero(variable(name));
  }
  return result;
}

void check_world_size(const LaunchEnvironment& environment, int size) {
  if (environment.expected_size == 0 || environment.expected_size == size) return;
  throw ConfigError("the launcher started " + std::to_string(environment.expected_size) + " ranks but MPI sees " + std::to_string(size) +
                    ": mpirun and the MPI library of this program do not belong together");
}

}  // namespace phidias::parallel
