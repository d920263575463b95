//===- TypePlan.h - the integer type of every activation --------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_TYPEPLAN_H
#define DYADIC_LIB_QUANTIZE_TYPEPLAN_H

#include "ActivationWidths.h"
#include "FloatRegions.h"

namespace dyadic {

using ActivationType = mlir::quant::UniformQuantizedType;

/// The per-tensor type that holds [min, max] best, and 0 exactly.
ActivationType activationType(mlir::MLIRContext *context, double min,
                              double max, bool isSigned);

/// The type of 16 bits for [min, max], symmetric around 0. It has no values below 0 where
/// there were none.
ActivationType activationType16(mlir::MLIRContext *context, double min, double max);

/// The 16-bit type for sums in [min, max] that are read as floats: it costs no
/// more than 8 bits, as it never reaches memory, and leaves room beyond.
ActivationType wideType(mlir::MLIRContext *context, double min, double max);

/// Integer types for the results of integer ops and for the float tensors that
/// integer ops read. Constants aren't in it.
class TypePlan {
public:
  TypePlan(mlir::func::FuncOp func, const FloatReasons &floatOps,
           bool isSigned, const ActivationWidths &widths);

  ActivationType lookup(mlir::Value value) const { return types.at(value); }

  /// Adds the ops whose result's scale is so small beside their operands' that
  /// no 24-bit multiplier joins them. Returns whether there are any.
  bool findUnreachable(FloatReasons &floatOps) const;

private:
  ActivationType typeOf(mlir::Value value);
  bool meetsWide(mlir::Value constant) const;
  ActivationType resultType(mlir::Operation *op);
  void unifyConcats(mlir::func::FuncOp func);
  void centreProducts(mlir::func::FuncOp func);
  bool request(mlir::Value value, ActivationType type);

  const FloatReasons &floatOps;
  bool isSigned;
  const ActivationWidths &widths;
  llvm::DenseMap<mlir::Value, ActivationType> types;
};

} // namespace dyadic

#endif
