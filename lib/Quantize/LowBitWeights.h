//===- LowBitWeights.h - weights of four bits -------------------*- C++ -*-===//
//
// docs/Quantization.md, section "Weights of four bits": uniform ones with a
// scale per channel, or the entries of a codebook.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H
#define DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <array>
#include <optional>

namespace dyadic {

/// What a contraction's weights become.
enum class WeightKind { Int8, Int4, Codebook4 };

/// The kind named "int8", "int4" or "codebook4".
std::optional<WeightKind> parseWeightKind(llvm::StringRef name);

/// The largest magnitude of a kind's integers.
int32_t largestWeight(WeightKind kind);

/// Writes kWeightKindAttr on the contractions of `func`. Each choice is a kind,
/// for all of them, or pattern=kind, for those whose name matches a pattern with
/// * and ?; the last one that matches decides. Depthwise filters stay int8: they
/// are small, and nothing evens out what rounding does to them. Fails on what
/// doesn't parse and on patterns that match nothing.
mlir::LogicalResult chooseWeightKinds(mlir::func::FuncOp func,
                                      llvm::ArrayRef<std::string> choices);
/// The kind that was chosen, int8 by default.
WeightKind weightKindOf(mlir::Operation *contraction);

/// The scale that loses least when `weights` are rounded to its multiples in
/// [−max, max], among some below that of the largest magnitude.
double leastErrorScale(llvm::ArrayRef<float> weights, int32_t max);

/// The codebook of the least squared error for values that are given as a
/// histogram: `weights[i]` counts the value i − 127. Zero is always an entry;
/// the entries ascend, the last one repeated where fewer values occur.
std::array<int8_t, 16> chooseCodebook(llvm::ArrayRef<double> weights);
/// The entry nearest to `value`, the smaller one of two.
int8_t nearestEntry(llvm::ArrayRef<int8_t> codebook, double value);

} // namespace dyadic

#endif
