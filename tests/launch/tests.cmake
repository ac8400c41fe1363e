foreach(name commands train)
  phidias_test(launch/${name} LINK base TIMEOUT 900)
  add_dependencies(launch_${name}_test phidias_program)
endforeach()
