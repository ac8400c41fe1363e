phidias_test(parallel/communicator MPI 1 2 3 4)

# A job of three ranks to which something happens: the message, the exit code and the time.
add_executable(parallel_faulty_rank ${CMAKE_CURRENT_LIST_DIR}/faulty_rank.cpp)
target_link_libraries(parallel_faulty_rank PRIVATE phidias_parallel)
foreach(fault killed killed_rank_0 stopped stopped_rank_0 throws all_throw crashes leaves_out interrupted terminated)
  add_test(NAME parallel/faults.${fault} COMMAND ${CMAKE_CURRENT_LIST_DIR}/faults_test.sh ${fault} $<TARGET_FILE:parallel_faulty_rank>
                                                 ${PROJECT_SOURCE_DIR}/launch/mpirun.sh)
  set_tests_properties(parallel/faults.${fault} PROPERTIES TIMEOUT 120 ENVIRONMENT "${PHIDIAS_TEST_ENVIRONMENT}")
endforeach()
include(${CMAKE_CURRENT_LIST_DIR}/cuda/tests.cmake OPTIONAL)
