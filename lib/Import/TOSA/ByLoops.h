//===- ByLoops.h - integer ops as loops of upstream's arithmetic -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TOSA_BYLOOPS_H
#define DYADIC_LIB_IMPORT_TOSA_BYLOOPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"

namespace dyadic::tosa_import {

/// Turns what is left of a function into qnn.compute, op by op.
class ByLoops {
public:
  /// Gives arguments of 48 bits the 64 that they have in memory.
  void widenArguments(mlir::func::FuncOp func);

  /// What stands for the op's result, built in front of it; null where upstream
  /// has no conversion for it, or it isn't about static tensors of integers or
  /// f32.
  mlir::Value convert(mlir::Operation *op);

private:
  /// A copy of the op with TOSA's types, between conversions from and to memory.
  mlir::Value cloneInto(mlir::OpBuilder &b, mlir::Operation *op,
                        mlir::ValueRange arguments, mlir::Type memory);

  /// Values of 64 bits that have 48 in TOSA.
  llvm::DenseSet<mlir::Value> wide;
};

} // namespace dyadic::tosa_import

#endif
