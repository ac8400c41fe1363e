phidias_test(recipes/shipped LINK configs)
phidias_test(recipes/data_recipes LINK data)
phidias_test(recipes/tiny_twins LINK base TIMEOUT 900)
add_dependencies(recipes_tiny_twins_test phidias_program)
