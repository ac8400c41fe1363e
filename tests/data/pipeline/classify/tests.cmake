phidias_test(data/pipeline/classify/fasttext_classifier)
