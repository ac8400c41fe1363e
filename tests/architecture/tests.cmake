phidias_test(architecture/source_tree LINK base)

# Every object of the torch-free folders in one program: it must start without LibTorch.
phidias_test(architecture/torch_free LINK base configs report parallel data)
foreach(folder base configs report parallel data)
  add_dependencies(architecture_torch_free_test phidias_${folder})
  target_link_options(architecture_torch_free_test PRIVATE LINKER:--whole-archive $<TARGET_FILE:phidias_${folder}> LINKER:--no-whole-archive)
endforeach()
