//===- DequantizeSums.h -----------------------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_DIALECT_DYADIC_DEQUANTIZESUMS_H
#define DYADIC_LIB_DIALECT_DYADIC_DEQUANTIZESUMS_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/IR/PatternMatch.h"

namespace dyadic {

/// Adds the pattern that makes floats of a run-time product's sums directly.
void addDequantizeSums(mlir::RewritePatternSet &patterns);

} // namespace dyadic

#endif
