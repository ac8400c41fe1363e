// The ranks of a test program that CTest starts under mpirun (phidias_test(... MPI 1 2 4) in cmake/PhidiasLibrary.cmake). Without mpirun it is one rank.
//
//   TEST(Gradients, AreSummedOverRanks) {
//     phidias::parallel::World& world = phidias::mpi_test::world();
//     ...
//   }
//
// Every rank runs every test. Rank 0 prints; the others print their failures with the rank in front; a failure on any rank fails the program. A rank
// that leaves a collective out lets the others run into the deadline of 120 seconds.
#pragma once

#include "parallel/world.h"

namespace phidias::mpi_test {

parallel::World& world();

}  // namespace phidias::mpi_test
