//===- LearnRounding.h - a contraction's weights by its inputs --*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_LEARNROUNDING_H
#define DYADIC_LIB_QUANTIZE_LEARNROUNDING_H

#include "Lockstep.h"
#include "MaskedRows.h"

#include "dyadic/Quantize/Recover.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"

namespace dyadic {

/// The value and the type of a constant of weights.
struct RoundedWeights {
  mlir::ElementsAttr value;
  mlir::RankedTensorType type;
};

/// Whether the constant weights of `op` have fewer than eight bits, not as entries of a
/// codebook of eight.
bool hasFewValues(mlir::Operation *op);

/// Rounds the quantized weights of `op` anew so that its sums over its first operand, as
/// `network` has it for each sample, are as near as may be to those of `real`, the same op
/// in float, over its own in `realNetwork`, or over the same where that is null, without
/// the rows in `masked`. With `realNetwork`, integers of fewer than eight bits get other
/// scales where that helps. None where nothing changes: for weights that other ops read,
/// too, and for matrices of too many inputs.
std::optional<RoundedWeights> learnRounding(mlir::Operation *op, mlir::Operation *real,
                                            const Lockstep &network,
                                            const Lockstep *realNetwork,
                                            const MaskedRows &masked,
                                            WeightRounding rounding);

} // namespace dyadic

#endif
