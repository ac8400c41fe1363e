# Stages of knowledge and safety: build/bin/data_knowledge_bench TEXT_FILE
add_executable(data_knowledge_bench ${PROJECT_SOURCE_DIR}/bench/data_knowledge_bench.cpp)
target_include_directories(data_knowledge_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(data_knowledge_bench PRIVATE -Wall -Wextra)
target_link_libraries(data_knowledge_bench PRIVATE phidias_data)
