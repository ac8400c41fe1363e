# LibTorch from the torch wheel that scripts/setup.sh unpacks into .deps/site.
#
# Links libtorch_cpu and libc10 by name instead of ${TORCH_LIBRARIES}: a process that needs no GPU never loads libtorch_cuda (0.12 s of every
# start). The CUDA side lives in the plug-in libphidias_cuda.so, which is loaded when a GPU is there (kernels/cuda_backend.h).
# Defines: phidias_torch (interface: headers, torch_cpu, c10, libgomp), phidias_torch_cuda (for the plug-in).

set(PHIDIAS_TORCH_ROOT "${PROJECT_SOURCE_DIR}/.deps/site/torch" CACHE PATH "the torch folder of the unpacked wheel")
if(NOT EXISTS ${PHIDIAS_TORCH_ROOT}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch is not at ${PHIDIAS_TORCH_ROOT}: run scripts/setup.sh first, or set PHIDIAS_TORCH_ROOT")
endif()
file(READ ${PHIDIAS_TORCH_ROOT}/version.py torch_version_text)
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" PHIDIAS_TORCH_VERSION "${torch_version_text}")
if(NOT PHIDIAS_TORCH_VERSION STREQUAL "2.11.0")
  message(FATAL_ERROR "torch ${PHIDIAS_TORCH_VERSION} found, 2.11.0 is pinned (docs/design): run scripts/setup.sh")
endif()
# One OpenMP runtime in the process: the one torch brings.
file(GLOB PHIDIAS_LIBGOMP ${PHIDIAS_TORCH_ROOT}.libs/libgomp*.so* ${PHIDIAS_TORCH_ROOT}/lib/libgomp*.so*)
list(GET PHIDIAS_LIBGOMP 0 PHIDIAS_LIBGOMP)

add_library(phidias_torch INTERFACE)
target_include_directories(phidias_torch SYSTEM INTERFACE ${PHIDIAS_TORCH_ROOT}/include ${PHIDIAS_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(phidias_torch INTERFACE AT_PER_OPERATOR_HEADERS _GLIBCXX_USE_CXX11_ABI=1)
target_link_libraries(phidias_torch INTERFACE ${PHIDIAS_LIBGOMP} ${PHIDIAS_TORCH_ROOT}/lib/libtorch_cpu.so ${PHIDIAS_TORCH_ROOT}/lib/libc10.so)
add_library(phidias_torch_cuda INTERFACE)
if(PHIDIAS_CUDA)
  target_link_libraries(phidias_torch_cuda INTERFACE phidias_torch -Wl,--no-as-needed ${PHIDIAS_TORCH_ROOT}/lib/libtorch_cuda.so
                        ${PHIDIAS_TORCH_ROOT}/lib/libc10_cuda.so -Wl,--as-needed)
endif()
