//===- Alignment.h - what an index is a multiple of -------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_GPU_ALIGNMENT_H
#define DYADIC_LIB_CODEGEN_GPU_ALIGNMENT_H

#include "mlir/IR/Value.h"

namespace dyadic::codegen {

/// A power of two, at most 64, that divides `index` whatever its operands are:
/// what follows from constants, products, sums and the steps of loops.
int64_t knownDivisor(mlir::Value index);

} // namespace dyadic::codegen

#endif
