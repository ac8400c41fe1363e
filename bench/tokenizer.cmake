# Tokenizer throughput: bench/tokenizer.sh
add_executable(tokenizer_bench ${PROJECT_SOURCE_DIR}/bench/tokenizer_bench.cpp)
target_include_directories(tokenizer_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(tokenizer_bench PRIVATE -Wall -Wextra)
target_link_libraries(tokenizer_bench PRIVATE phidias_data)
