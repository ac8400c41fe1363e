# Decontamination throughput per rule.
add_executable(data_decontaminate_bench ${PROJECT_SOURCE_DIR}/bench/data_decontaminate_bench.cpp)
target_include_directories(data_decontaminate_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(data_decontaminate_bench PRIVATE -Wall -Wextra)
target_link_libraries(data_decontaminate_bench PRIVATE phidias_data)
