# Classifier throughput: bench/data_classifier_peer.py trains the model and measures the peer, data_classifier_bench ours and the library's.
add_executable(data_classifier_bench ${PROJECT_SOURCE_DIR}/bench/data_classifier_bench.cpp)
target_include_directories(data_classifier_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(data_classifier_bench PRIVATE -Wall -Wextra)
target_link_libraries(data_classifier_bench PRIVATE phidias_data)
