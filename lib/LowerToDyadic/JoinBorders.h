//===- JoinBorders.h - integers that were reals in between ------*- C++ -*-===//
#ifndef DYADIC_LIB_LOWERTODYADIC_JOINBORDERS_H
#define DYADIC_LIB_LOWERTODYADIC_JOINBORDERS_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/IR/PatternMatch.h"

namespace dyadic {

/// The op that makes `value` of 16-bit integers with zero point 0; null if none does.
DequantizeOp wholeNumbersOf(mlir::Value value);

/// For level 3: reshapes, transposes and slices of dequantized integers move those
/// instead, and a quantization of dequantized integers rescales them.
void populateJoinBordersPatterns(mlir::RewritePatternSet &patterns);

} // namespace dyadic

#endif
