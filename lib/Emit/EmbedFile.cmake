# cmake -DINPUT=… -DOUTPUT=… -DNAME=… -P EmbedFile.cmake: a file as a C++ array.
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT}
"#include <cstddef>
namespace dyadic {
extern const unsigned char ${NAME}[];
extern const size_t ${NAME}Size;
const unsigned char ${NAME}[] = {${bytes}};
const size_t ${NAME}Size = ${size};
}
")
