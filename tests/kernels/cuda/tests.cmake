# Compiled everywhere; without a GPU all but the loading of the plug-in are skipped with the reason.
foreach(name plugin layers attention loss experts)
  phidias_test(kernels/cuda/${name})
endforeach()
if(PHIDIAS_TESTS AND TARGET phidias_cuda)
  add_dependencies(kernels_cuda_plugin_test phidias_cuda)
endif()
