phidias_test(data/pipeline/pipeline)
phidias_test(data/pipeline/pipeline_ranks MPI 1 2 3)
phidias_test(data/pipeline/reference)
phidias_test(data/pipeline/pipeline_config)
