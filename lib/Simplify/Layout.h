//===- Layout.h - patterns of --qnn-propagate-layout ------------*- C++ -*-===//
#ifndef DYADIC_LIB_SIMPLIFY_LAYOUT_H
#define DYADIC_LIB_SIMPLIFY_LAYOUT_H

#include "mlir/IR/PatternMatch.h"

namespace dyadic {

using Permutation = llvm::SmallVector<int64_t>;

/// The permutation that undoes `permutation`.
Permutation inverse(llvm::ArrayRef<int64_t> permutation);

/// Element `i` of the result is element `permutation[i]` of `values`.
llvm::SmallVector<int64_t> permute(llvm::ArrayRef<int64_t> values,
                                   llvm::ArrayRef<int64_t> permutation);

/// `value` with its dimensions permuted; an identity makes no op.
mlir::Value makeTranspose(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value value,
                          llvm::ArrayRef<int64_t> permutation);

/// Moves transposes behind elementwise ops, concat, reduce_mean, softmax,
/// layer_norm, pad and slice.
void populateSinkTransposePatterns(mlir::RewritePatternSet &patterns);

/// Moves transposes behind reshapes, and into the constants of a matmul.
void populateReshapeOfTransposePatterns(mlir::RewritePatternSet &patterns);

/// Moves the elements of constants that a model quantized, here and now.
void populateQuantizedConstantPatterns(mlir::RewritePatternSet &patterns);

} // namespace dyadic

#endif
