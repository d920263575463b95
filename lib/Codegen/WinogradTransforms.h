//===- WinogradTransforms.h - F(4×4, 3×3) in integers -----------*- C++ -*-===//
//
// One way of Y = Aᵀ·((G·w·Gᵀ) ∘ (Bᵀ·x·B))·A, exactly. G evaluates a filter at the points
// 0, 1, −1, 2, ∞ and −2, over 4, −6, −6, 24, 1 and 24. Here its rows are 24-fold, and Y
// 576-fold. (That of ∞ is 8-fold and A has the other factor of three, for 24² times a
// weight isn't a number of 16 bits.) Three results one way need all points but the last:
// their Bᵀ makes up for denominators that are different. Then
//
//   |Bᵀ·x·B| ≤ 90·255 and |G·w·Gᵀ| ≤ 12²·128     both are 16-bit integers;
//   576·Y modulo 2^32                             is what 32-bit sums have, whether or
//                                                 not some overflow on the way;
//   64·Y modulo 2^32                              is that times the inverse of nine;
//   Y                                             is that shifted, if |Y| < 2^25.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_WINOGRADTRANSFORMS_H
#define DYADIC_LIB_CODEGEN_WINOGRADTRANSFORMS_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// Results one way at most, the points of as many, and taps of the filter.
constexpr int64_t kResults = 4, kPoints = 6, kTaps = 3;
/// The point one: all of its coefficients in A are one, so that what is added there both
/// ways is added to all results.
constexpr int64_t kOne = 1;
/// Of all results.
constexpr uint32_t kMultiple = 24 * 24;
/// No result may reach this.
constexpr int64_t kResultBound = int64_t(1) << 25;

/// Bᵀ:  4 0 −5 0 1 0 | 0 −4 −4 1 1 0 | 0 4 −4 −1 1 0 | 0 −2 −1 2 1 0
///      0 4 0 −5 0 1 | 0 2 −1 −2 1 0
/// and of three results 2·(2 −1 −2 1 0) | 3·(0 −2 −1 1 0) | 0 2 −3 1 0
///                      4·(0 −1 0 1 0) | 0 2 −1 −2 1
llvm::SmallVector<mlir::Value> transformInput(KernelBuilder &k,
                                              llvm::ArrayRef<mlir::Value> d);

/// G:  6 0 0 | −4 −4 −4 | −4 4 −4 | 1 2 4 | 0 0 8 | 1 −2 4
llvm::SmallVector<mlir::Value> transformFilter(KernelBuilder &k,
                                               llvm::ArrayRef<mlir::Value> g);

/// Aᵀ:  1 1 1 1 0 1 | 0 1 −1 2 0 −2 | 0 1 1 4 0 4 | 0 1 −1 8 3 −8
/// and of three results 1 1 1 1 0 | 0 1 −1 2 0 | 0 1 1 4 3
llvm::SmallVector<mlir::Value> transformOutput(KernelBuilder &k,
                                               llvm::ArrayRef<mlir::Value> m);

/// What the sums both ways are multiples of, divided out.
mlir::Value divideMultiple(KernelBuilder &k, mlir::Value sums);

} // namespace dyadic::codegen

#endif
