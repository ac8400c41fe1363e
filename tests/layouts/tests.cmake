phidias_test(layouts/losses LINK base SLOW TIMEOUT 1800)
add_dependencies(layouts_losses_test phidias_program)
