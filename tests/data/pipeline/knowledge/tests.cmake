phidias_test(data/pipeline/knowledge/ip_address)
phidias_test(data/pipeline/knowledge/number_checks)
phidias_test(data/pipeline/knowledge/private_spans)
phidias_test(data/pipeline/knowledge/privacy_stage)
