phidias_test(data/pipeline/words)
