phidias_test(data/pipeline/quality/golden)
