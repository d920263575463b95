//===- Rounding.h - how a function's integers are rounded -------*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_ROUNDING_H
#define DYADIC_DIALECT_QNN_ROUNDING_H

#include "llvm/ADT/StringRef.h"

namespace dyadic {

/// A discardable attribute of functions at level 2, a string: the name of the
/// dyadic.rounding of their requantizations. Models that come quantized for
/// TensorFlow Lite have "double_round", and with it the arithmetic of LiteRT's
/// reference kernels; elsewhere it is missing.
inline constexpr llvm::StringLiteral kRoundingAttr = "qnn.rounding";

} // namespace dyadic

#endif
