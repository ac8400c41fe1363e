# Heuristic quality stages: bench/data_heuristics_bench.cpp says how to run it
add_executable(data_heuristics_bench ${PROJECT_SOURCE_DIR}/bench/data_heuristics_bench.cpp)
target_include_directories(data_heuristics_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(data_heuristics_bench PRIVATE -Wall -Wextra)
target_link_libraries(data_heuristics_bench PRIVATE phidias_data)
