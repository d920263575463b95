/*===- Dyadic.h - the whole C API ------------------------------------ C -*-===*/
#ifndef DYADIC_C_DYADIC_H
#define DYADIC_C_DYADIC_H

#include "dyadic-c/Compile.h"
#include "dyadic-c/Program.h"
#include "dyadic-c/Support.h"
#include "dyadic-c/Tensor.h"

#endif /* DYADIC_C_DYADIC_H */
