//===- LearnRounding.h - a contraction's weights by its inputs --*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_LEARNROUNDING_H
#define DYADIC_LIB_QUANTIZE_LEARNROUNDING_H

#include "dyadic/Quantize/Recover.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace dyadic {

/// Rounds the quantized weights of `op` anew so that its sums over `inputs`, what its
/// first operand is for each sample, are as near as may be to those with the weights
/// of `real`, the same op in float. The values there are stay the same. Returns the
/// constant's new value, or none where nothing changed: for weights that other ops
/// read, too, and for matrices of too many inputs.
std::optional<mlir::ElementsAttr> learnRounding(mlir::Operation *op, mlir::Operation *real,
                                        llvm::ArrayRef<const HostTensor *> inputs,
                                        WeightRounding rounding);

} // namespace dyadic

#endif
