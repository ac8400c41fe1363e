# Arrow C++ with Parquet: the system's, else the one of the pyarrow wheel that scripts/setup.sh unpacks into .deps/arrow.
#
# Defines phidias_arrow (interface: headers, libarrow, libparquet); nothing where there is neither: then the program reads and writes no Parquet.

set(PHIDIAS_ARROW_ROOT "${PROJECT_SOURCE_DIR}/.deps/arrow/pyarrow" CACHE PATH "the pyarrow folder of the unpacked wheel")
find_package(Arrow QUIET CONFIG)
find_package(Parquet QUIET CONFIG)
if(Arrow_FOUND AND Parquet_FOUND)
  add_library(phidias_arrow INTERFACE)
  target_link_libraries(phidias_arrow INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
elseif(EXISTS ${PHIDIAS_ARROW_ROOT}/include/arrow/api.h)
  file(GLOB arrow_libraries ${PHIDIAS_ARROW_ROOT}/libarrow.so.* ${PHIDIAS_ARROW_ROOT}/libparquet.so.*)
  add_library(phidias_arrow INTERFACE)
  target_include_directories(phidias_arrow SYSTEM INTERFACE ${PHIDIAS_ARROW_ROOT}/include)
  target_link_libraries(phidias_arrow INTERFACE ${arrow_libraries})
else()
  message(STATUS "no Arrow C++ (neither the system's nor ${PHIDIAS_ARROW_ROOT}): building without Parquet")
endif()
