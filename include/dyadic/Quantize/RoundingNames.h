//===- RoundingNames.h - names of the ways to round weights -----*- C++ -*-===//
#ifndef DYADIC_QUANTIZE_ROUNDINGNAMES_H
#define DYADIC_QUANTIZE_ROUNDINGNAMES_H

#include "dyadic/Quantize/Recover.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace dyadic {

/// All names, in the order of the enumeration.
llvm::ArrayRef<llvm::StringLiteral> weightRoundingNames();
llvm::StringRef nameOf(WeightRounding rounding);
/// The way named "nearest", "gptq", "adaround", "awq" or "best".
std::optional<WeightRounding> parseWeightRounding(llvm::StringRef name);

} // namespace dyadic

#endif
