//===- JoinBorders.h - integers that were reals in between ------*- C++ -*-===//
#ifndef DYADIC_LIB_LOWERTODYADIC_JOINBORDERS_H
#define DYADIC_LIB_LOWERTODYADIC_JOINBORDERS_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace dyadic {

/// The op that makes `value` of 16-bit integers with zero point 0; null if none does.
DequantizeOp wholeNumbersOf(mlir::Value value);

/// For level 3: reshapes, transposes and slices of dequantized integers move those
/// instead, and a quantization of dequantized integers rescales them.
void populateJoinBordersPatterns(mlir::RewritePatternSet &patterns);

/// Applies `Pattern` and those to a function, where it has an `OpTy`.
template <typename Pattern, typename OpTy>
mlir::LogicalResult rewriteJoiningBorders(mlir::func::FuncOp func) {
  if (!func.walk([](OpTy) { return mlir::WalkResult::interrupt(); }).wasInterrupted())
    return mlir::success();
  mlir::RewritePatternSet patterns(func.getContext());
  patterns.add<Pattern>(func.getContext());
  populateJoinBordersPatterns(patterns);
  return mlir::applyPatternsGreedily(func, std::move(patterns));
}

} // namespace dyadic

#endif
