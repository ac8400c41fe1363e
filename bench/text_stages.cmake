# HTML extraction and normalisation: text_stages_bench FOLDER
add_executable(text_stages_bench ${PROJECT_SOURCE_DIR}/bench/text_stages_bench.cpp)
target_include_directories(text_stages_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(text_stages_bench PRIVATE -Wall -Wextra)
target_link_libraries(text_stages_bench PRIVATE phidias_data)
