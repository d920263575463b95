# MLIR's headers, parsed once: three quarters of what a file costs to compile.
# Only with clang; a build without it (-DDYADIC_PRECOMPILE=OFF) shows missing
# includes, and lets ccache share between folders.
set(DYADIC_PRECOMPILE_DEFAULT OFF)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND NOT DYADIC_SANITIZE)
  set(DYADIC_PRECOMPILE_DEFAULT ON)
endif()
option(DYADIC_PRECOMPILE "precompile MLIR's headers" ${DYADIC_PRECOMPILE_DEFAULT})

if(DYADIC_PRECOMPILE)
  if(CCACHE_PROGRAM AND CMAKE_CXX_COMPILER_LAUNCHER STREQUAL CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  endif()
  # One for libraries and one for programs: clang tells -fPIC from -fPIE.
  foreach(kind Library Program)
    add_library(dyadic_headers_${kind} OBJECT
      ${CMAKE_CURRENT_SOURCE_DIR}/cmake/modules/Precompiled.cpp)
    target_link_libraries(dyadic_headers_${kind} PRIVATE dyadic_mlir)
    target_compile_options(dyadic_headers_${kind} PRIVATE -Xclang -fno-pch-timestamp)
    target_precompile_headers(dyadic_headers_${kind} PRIVATE
      ${CMAKE_CURRENT_SOURCE_DIR}/cmake/modules/Precompiled.h)
    set_target_properties(dyadic_headers_${kind} PROPERTIES PCH_INSTANTIATE_TEMPLATES ON)
  endforeach()
  set_target_properties(dyadic_headers_Program PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(dyadic_headers_Program PRIVATE -fPIE)
endif()

# dyadic_precompile(TARGET Library|Program)
function(dyadic_precompile name kind)
  if(DYADIC_PRECOMPILE)
    target_precompile_headers(${name} REUSE_FROM dyadic_headers_${kind})
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Xclang> $<$<COMPILE_LANGUAGE:CXX>:-fno-pch-timestamp>)
  endif()
endfunction()
