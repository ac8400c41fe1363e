# A mixture of experts on the CPU; bench/moe.py runs it beside transformers.
add_executable(moe_bench ${PROJECT_SOURCE_DIR}/bench/moe_bench.cpp)
target_include_directories(moe_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(moe_bench PRIVATE -Wall -Wextra)
target_link_libraries(moe_bench PRIVATE phidias_models)
