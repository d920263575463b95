//===- Exponential.h - exp for softmax --------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_EXPONENTIAL_H
#define DYADIC_LIB_CODEGEN_EXPONENTIAL_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// What emitExp subtracts for rows with these maxima.
mlir::Value emitExpShift(KernelBuilder &k, mlir::Value max);

/// e^(x − max) for floats that are at most `max`, whose shift is given, within
/// (3 + |x − max|/2)·1e-7 of it relatively, and times what is the same for all with that
/// shift; next to nothing below −88. NaN stays. Of a max beyond 2.3e38 it is no number.
mlir::Value emitExp(KernelBuilder &k, mlir::Value x, mlir::Value shift);

} // namespace dyadic::codegen

#endif
