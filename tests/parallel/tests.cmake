phidias_test(parallel/communicator MPI 1 2 3 4)
