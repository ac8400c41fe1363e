# Block-sparse attention against the dense mask.
add_executable(block_sparse_bench ${PROJECT_SOURCE_DIR}/bench/block_sparse.cpp)
target_include_directories(block_sparse_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(block_sparse_bench PRIVATE -Wall -Wextra)
target_link_libraries(block_sparse_bench PRIVATE phidias_kernels)
