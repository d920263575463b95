//===- Scalar.h - the portable target ---------------------------*- C++ -*-===//
// Its kernels are public, for targets that start from them.
#ifndef DYADIC_LIB_TARGET_SCALAR_SCALAR_H
#define DYADIC_LIB_TARGET_SCALAR_SCALAR_H

#include "dyadic/Target/ScalarTarget.h"

#endif
