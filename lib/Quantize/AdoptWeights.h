//===- AdoptWeights.h - weights that come quantized -------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_ADOPTWEIGHTS_H
#define DYADIC_LIB_QUANTIZE_ADOPTWEIGHTS_H

#include "TypePlan.h"

namespace dyadic {

/// Weights as the integer contractions take them: signed, of zero point 0, with
/// a scale per output channel.
struct AdoptedWeights {
  mlir::Value constant;
  llvm::SmallVector<double> scales;
  /// No 8 bits hold a weight less its zero point: the constant has two weights,
  /// whose sum it is, for each, and the input must be there twice, side by side
  /// along its last dimension.
  bool isSplit = false;
};

/// The weights of `contraction` from `stored`, a constant of a quantized type
/// with any zero points. Where there is no integer form, `reason` completes
/// "stays float because …".
std::optional<AdoptedWeights> adoptWeights(mlir::OpBuilder &builder,
                                           mlir::Operation *contraction,
                                           mlir::Value stored,
                                           std::string &reason);

/// The reals of a constant of a quantized type, as a constant of f32.
mlir::FailureOr<mlir::Value> realConstant(mlir::OpBuilder &builder,
                                          mlir::Value stored);

} // namespace dyadic

#endif
