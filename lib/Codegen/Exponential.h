//===- Exponential.h - exp for softmax --------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_EXPONENTIAL_H
#define DYADIC_LIB_CODEGEN_EXPONENTIAL_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// e^x for floats that are at most 0, within (3 + |x|/2)·1e-7 of it relatively; next
/// to nothing below −88. NaN stays.
mlir::Value emitExpOfNegative(KernelBuilder &k, mlir::Value x);

} // namespace dyadic::codegen

#endif
