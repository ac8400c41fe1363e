phidias_test(data/pipeline/read/list_inputs)
phidias_test(data/pipeline/read/jsonl_reader)
phidias_test(data/pipeline/read/document_output)
target_link_libraries(data_pipeline_read_document_output_test PRIVATE rapidcheck)
