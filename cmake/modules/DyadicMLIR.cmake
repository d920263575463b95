# Finds LLVM and MLIR 22. The patch level isn't pinned: distributions move it.
foreach(prefix /usr/lib/llvm-22 /usr/local/lib/llvm-22)
  if(EXISTS ${prefix}/lib/cmake/mlir)
    list(APPEND CMAKE_PREFIX_PATH ${prefix})
  endif()
endforeach()
find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "expected LLVM and MLIR 22, but found ${LLVM_PACKAGE_VERSION} in ${LLVM_DIR}: "
    "install libmlir-22-dev, mlir-22-tools, llvm-22-dev and llvm-22-tools, or set -DMLIR_DIR=")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

separate_arguments(llvm_definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${llvm_definitions})
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS}) # mlir-tblgen reads these too

# Everything links the two shared libraries and nothing else of LLVM: the
# static archives beside them would bring in a second copy of every TypeID.
add_library(dyadic_mlir INTERFACE)
target_link_libraries(dyadic_mlir INTERFACE MLIR LLVM)
target_compile_features(dyadic_mlir INTERFACE cxx_std_17)
target_include_directories(dyadic_mlir INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
  $<INSTALL_INTERFACE:include>)
