phidias_test(data/pipeline/quality/golden)
phidias_test(data/pipeline/quality/switches)
phidias_test(data/pipeline/quality/code_and_lines)
