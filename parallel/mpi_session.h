// MPI's life in this process, and the only header besides mpi_communicator.cpp's that knows MPI.
#pragma once

#include <mpi.h>

#include <string>

namespace phidias::parallel {

// Throws CommunicationError naming the operation when `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* operation);

// MPI_Init_thread(MULTIPLE) to MPI_Finalize. Errors of MPI are returned, not fatal: the program prints them itself.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

}  // namespace phidias::parallel
