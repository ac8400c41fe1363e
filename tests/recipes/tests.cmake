phidias_test(recipes/shipped LINK configs)
