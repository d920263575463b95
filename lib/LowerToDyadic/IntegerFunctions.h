//===- IntegerFunctions.h - arithmetic of the integer functions -*- C++ -*-===//
//
// What the bodies of softmax, layer norm, roots and interpolated functions share
// (docs/Spec.md, section 9). Qm.n is a number with m integer bits.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_LOWERTODYADIC_INTEGERFUNCTIONS_H
#define DYADIC_LIB_LOWERTODYADIC_INTEGERFUNCTIONS_H

#include "Lowering.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/HostTensor.h"

namespace dyadic {

/// `type` with extents of 1 at `axis`: that of what each row has one of.
mlir::RankedTensorType onePerRow(mlir::RankedTensorType type, int64_t axis);

/// Folds each row of `x` along `axis`: qnn::reduceAxes with the accumulator in a register,
/// so that LLVM makes vectors of it.
mlir::Value reduceRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, int64_t axis,
                       mlir::Value initial, qnn::ScalarBody combine);

/// The greatest element of each row along `axis`, i32.
mlir::Value maxOfRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, int64_t axis,
                      bool isUnsigned);

/// A constant tensor of signless integers, and of i32 or i64 numbers: a vector unless
/// there is a shape.
mlir::Value constantOf(mlir::OpBuilder &builder, mlir::Location loc, HostTensor integers);
mlir::Value constantOf(mlir::OpBuilder &builder, mlir::Location loc,
                       llvm::ArrayRef<int32_t> numbers, llvm::ArrayRef<int64_t> shape = {});
mlir::Value constantOf(mlir::OpBuilder &builder, mlir::Location loc,
                       llvm::ArrayRef<int64_t> numbers);

/// A storage element as i32, of a tensor of type `type`.
inline mlir::Value toI32(FixedPointBuilder &f, mlir::Value q, ActivationType type) {
  return f.extend(q, !type.isSigned());
}

/// `factor` · 2^bits, to the nearest.
int64_t fixedPoint(double factor, int64_t bits);
/// The n for which `factor` · 2^n is in [2^(bits−1), 2^bits).
int64_t bitsFor(double factor, int64_t bits);

/// x · y of i32 factors as i64.
mlir::Value multiplyWide(FixedPointBuilder &f, mlir::Value x, mlir::Value y);

/// 2^(−t) as Q30 of an i32 t ≥ 0, Q15: a polynomial for the fraction, a shift for the
/// rest. The relative error is at most 2^−15 for t < 1.
mlir::Value exponentialOfMinus(FixedPointBuilder &f, mlir::Value t);

/// 1 / sqrt(w) of an i64 0 < w < 2^62: `root` · 2^(half − 61), with `root` in
/// [2^30, 2^31), both i32. w · 2^(2 · half) is in [2^60, 2^62).
struct InverseRoot {
  mlir::Value root, half;
};
InverseRoot inverseRoot(FixedPointBuilder &f, mlir::Value w);

} // namespace dyadic

#endif
