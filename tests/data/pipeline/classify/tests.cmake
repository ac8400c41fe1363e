phidias_test(data/pipeline/classify/fasttext_classifier)
phidias_test(data/pipeline/classify/mutated_models)

# For clang's libFuzzer; without it, mutated_models_test replays mutations through the same entry point.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_executable(fasttext_model_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/fasttext_model_fuzz.cpp)
  target_include_directories(fasttext_model_fuzz PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(fasttext_model_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_options(fasttext_model_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(fasttext_model_fuzz PRIVATE phidias_data)
endif()
