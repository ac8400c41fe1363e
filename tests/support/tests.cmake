# The main program of tests that run under mpirun.
add_library(phidias_mpi_test_main STATIC ${CMAKE_CURRENT_LIST_DIR}/mpi_test_main.cpp)
target_link_libraries(phidias_mpi_test_main PUBLIC phidias_parallel GTest::gtest)
