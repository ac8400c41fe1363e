# Micro benches of the CPU operations.
add_executable(kernels_bench ${PROJECT_SOURCE_DIR}/bench/kernels_bench.cpp)
target_include_directories(kernels_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(kernels_bench PRIVATE -Wall -Wextra)
target_link_libraries(kernels_bench PRIVATE phidias_kernels)
