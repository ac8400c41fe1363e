# The CUDA plug-in libphidias_cuda.so: every .cu file (free of ATen), the code that unwraps tensors, and NCCL. Programs never link it; they load it
# from their own folder when a GPU is there (cuda_backend.h).
if(NOT PHIDIAS_CUDA)
  return()
endif()
find_library(PHIDIAS_NCCL NAMES libnccl.so.2 nccl HINTS ${CUDAToolkit_LIBRARY_DIR} ${PHIDIAS_TORCH_ROOT}/../nvidia/nccl/lib REQUIRED)
find_path(PHIDIAS_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${PHIDIAS_TORCH_ROOT}/../nvidia/nccl/include REQUIRED)
# CMake 3.25 does not know nvcc's flag for C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*.cu cuda/*.cpp ${PROJECT_SOURCE_DIR}/parallel/nccl_*.cpp)
add_library(phidias_cuda SHARED ${cuda_sources})
target_include_directories(phidias_cuda PRIVATE ${PROJECT_SOURCE_DIR})
target_include_directories(phidias_cuda SYSTEM PRIVATE ${PHIDIAS_NCCL_INCLUDE})
target_compile_options(phidias_cuda PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra $<$<BOOL:${PHIDIAS_WERROR}>:-Werror>>
                       $<$<COMPILE_LANGUAGE:CUDA>:-O3 -lineinfo>)
target_link_libraries(phidias_cuda PRIVATE phidias_torch_cuda CUDA::cudart CUDA::cublas ${PHIDIAS_NCCL})
set_target_properties(phidias_cuda PROPERTIES CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)

# A program built alone brings the plug-in along. Deferred: programs are declared after this folder.
function(phidias_cuda_beside_programs)
  foreach(program phidias cuda_kernels_bench)
    if(TARGET ${program})
      add_dependencies(${program} phidias_cuda)
    endif()
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL phidias_cuda_beside_programs)
