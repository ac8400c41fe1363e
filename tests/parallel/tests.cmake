phidias_test(parallel/communicator MPI 1 2 3 4)
phidias_test(parallel/staged MPI 1 3)
phidias_test(parallel/reduce)
phidias_test(parallel/collective_queue)
phidias_test(parallel/connection)
phidias_test(parallel/launch_environment)

# A job of three ranks to which something happens: the message, the exit code and the time.
add_executable(parallel_faulty_rank ${CMAKE_CURRENT_LIST_DIR}/faulty_rank.cpp)
target_link_libraries(parallel_faulty_rank PRIVATE phidias_parallel)
foreach(fault killed killed_rank_0 stopped stopped_rank_0 stopped_both throws all_throw crashes leaves_out launcher_stuck interrupted interrupted_deaf
        terminated user_signal)
  add_test(NAME parallel/faults.${fault} COMMAND ${CMAKE_CURRENT_LIST_DIR}/faults_test.sh ${fault} $<TARGET_FILE:parallel_faulty_rank>
                                                 ${PROJECT_SOURCE_DIR}/launch/mpirun.sh)
  set_tests_properties(parallel/faults.${fault} PROPERTIES TIMEOUT 120 ENVIRONMENT "${PHIDIAS_TEST_ENVIRONMENT}")
endforeach()
add_test(NAME parallel/mpirun_script COMMAND ${CMAKE_CURRENT_LIST_DIR}/mpirun_test.sh ${PROJECT_SOURCE_DIR}/launch/mpirun.sh)
set_tests_properties(parallel/mpirun_script PROPERTIES TIMEOUT 120)
include(${CMAKE_CURRENT_LIST_DIR}/cuda/tests.cmake OPTIONAL)
