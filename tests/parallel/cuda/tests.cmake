phidias_test(parallel/cuda/staged MPI 1 2 3)
phidias_test(parallel/cuda/nccl LINK kernels)
