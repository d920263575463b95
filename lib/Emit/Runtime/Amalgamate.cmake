# cmake -DSOURCES=a.c,b.c -DOUTPUT=… -P Amalgamate.cmake: C sources as one, their
# own headers in place.
string(REPLACE "," ";" SOURCES "${SOURCES}")
set(text "#define _GNU_SOURCE\n")
foreach(source ${SOURCES})
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${source} part)
  string(REGEX REPLACE "#include \"[^\n]*\n" "" part "${part}")
  string(REGEX REPLACE "#define _DEFAULT_SOURCE\n" "" part "${part}")
  string(APPEND text "${part}")
endforeach()
file(WRITE ${OUTPUT} "${text}")
