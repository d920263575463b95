//===- ScalarTarget.h - the kernels of the portable target ------*- C++ -*-===//
//
// The least that kernels need of a machine, in lib/Target/Scalar: what another
// target may start from.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_SCALARTARGET_H
#define DYADIC_TARGET_SCALARTARGET_H

#include "dyadic/Target/KernelTarget.h"

namespace dyadic::scalar {

/// Vectors of one lane, which LLVM turns into scalars: the loops and the
/// packing are those of every other target.
class ScalarTarget : public KernelTarget {
public:
  using KernelTarget::KernelTarget;

  int64_t lanes() const override { return 1; }
  int64_t vectorRegisters() const override { return 16; }
  RegisterTile chooseTile(const ContractionShape &shape) const override;
  mlir::Value loadActivation(mlir::OpBuilder &b, mlir::Location loc,
                             OperandKind kind, mlir::Value memref,
                             mlir::Value index) const override;
  mlir::Value loadWeights(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value memref,
                          mlir::Value index) const override;
  mlir::Value dot(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                  mlir::Value acc, mlir::Value activation,
                  mlir::Value weights) const override;
  mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc, mlir::Value x,
                          mlir::Value w) const override;
  /// A machine may have no floating point at all.
  bool fusesMultiplyAdd() const override { return false; }
  mlir::Value requantizeWide(mlir::OpBuilder &b, mlir::Location loc,
                         const WideRequantize &op) const override;
};

} // namespace dyadic::scalar

#endif
