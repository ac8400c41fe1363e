# Duplicate stages: bench/data_dedup.sh
add_executable(data_dedup_bench ${PROJECT_SOURCE_DIR}/bench/data_dedup_bench.cpp)
target_include_directories(data_dedup_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(data_dedup_bench PRIVATE -Wall -Wextra)
target_link_libraries(data_dedup_bench PRIVATE phidias_data)
