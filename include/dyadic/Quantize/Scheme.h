//===- Scheme.h - where activations get their scales from -------*- C++ -*-===//
#ifndef DYADIC_QUANTIZE_SCHEME_H
#define DYADIC_QUANTIZE_SCHEME_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace dyadic {

/// What is quantized, and when activations get their scales.
enum class Scheme {
  /// Weights and activations; scales follow from calibration samples.
  Static,
  /// What contractions with weights read, with scales found at run time: a scale
  /// for each row (a token, a pixel) where the sums of a row have one input row.
  Dynamic,
  /// The same with one scale for each element of the batch.
  DynamicTensor,
  /// Weights alone.
  WeightOnly
};

/// The scheme named "static", "dynamic", "dynamic-tensor" or "weight-only".
std::optional<Scheme> parseScheme(llvm::StringRef name);
llvm::StringRef nameOf(Scheme scheme);
/// All names, in the order of the enumeration.
llvm::ArrayRef<llvm::StringLiteral> schemeNames();

} // namespace dyadic

#endif
