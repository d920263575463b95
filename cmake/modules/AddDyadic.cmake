# dyadic_add_library(NAME SOURCES... [LINK libs...] [DEPENDS targets...])
# A library links only to those before it in lib/CMakeLists.txt.
function(dyadic_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} dyadic_mlir)
  add_dependencies(${name} dyadic-tablegen ${ARG_DEPENDS})
  dyadic_precompile(${name} Library)
  dyadic_export(${name})
endfunction()

# dyadic_add_tool(NAME SOURCES... [LINK libs...])
function(dyadic_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} dyadic_mlir)
  dyadic_precompile(${name} Program)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
    # Otherwise CMake pads the path with empty entries, which mean the current folder.
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN/../lib;${LLVM_LIBRARY_DIR}")
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT dyadic)
endfunction()

# dyadic_tablegen(FILE.td OUTPUT ARGS...): appends OUTPUT to the calling directory's list.
function(dyadic_tablegen td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs output)
    list(POP_FRONT pairs args)
    separate_arguments(args)
    mlir_tablegen(${output} ${args})
  endwhile()
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()
