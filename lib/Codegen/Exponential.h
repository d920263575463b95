//===- Exponential.h - exp for softmax --------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_EXPONENTIAL_H
#define DYADIC_LIB_CODEGEN_EXPONENTIAL_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// e^(x − max) for floats that are at most `max`, within (3 + |x − max|/2)·1e-7 of it
/// relatively; next to nothing below −88. NaN stays.
mlir::Value emitExp(KernelBuilder &k, mlir::Value x, mlir::Value max);

} // namespace dyadic::codegen

#endif
