//===- Weights.h - constants as integers ------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_WEIGHTS_H
#define DYADIC_LIB_QUANTIZE_WEIGHTS_H

#include "TypePlan.h"

namespace dyadic {

/// The type of a constant operand of an op that isn't a contraction: as an
/// activation that takes just these values, of 8 bits, or of 16 if it `isWide`.
ActivationType constantType(mlir::Value constant, bool isSigned, bool isWide);

/// The constant's elements in storage, as a qnn.constant of `type`.
mlir::Value quantizeConstant(mlir::OpBuilder &builder, mlir::Value constant,
                             ActivationType type);

/// The symmetric scale of the weight of largest magnitude of a contraction.
double largestWeightScale(mlir::Operation *contraction);

/// The weights of `contraction` as a qnn.constant with one symmetric scale per
/// output channel, the input being of scale `inputScale`.
mlir::Value quantizeWeights(mlir::OpBuilder &builder,
                            mlir::Operation *contraction, double inputScale);

/// Takes the mean error that rounding to `quantizedWeights` makes out of the
/// bias of `contraction`, which still has its float weights; without calibrated
/// means of its input it does nothing.
void correctBias(mlir::OpBuilder &builder, mlir::Operation *contraction,
                 mlir::Value quantizedWeights);

} // namespace dyadic

#endif
