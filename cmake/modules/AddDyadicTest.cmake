# dyadic_add_unittest(NAME SOURCES... [LINK libs...]): a GoogleTest program that
# check-dyadic and ctest run.
find_package(GTest REQUIRED)
function(dyadic_add_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} dyadic_mlir GTest::gtest GTest::gtest_main)
  dyadic_precompile(${name} Program)
  target_compile_definitions(${name} PRIVATE
    DYADIC_TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}/test")
  add_test(NAME ${name} COMMAND ${name})
  set_property(GLOBAL APPEND PROPERTY DYADIC_UNITTESTS ${name})
endfunction()
