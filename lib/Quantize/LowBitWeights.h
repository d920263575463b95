//===- LowBitWeights.h - weights of four bits -------------------*- C++ -*-===//
//
// docs/Quantization.md, section "Weights of four bits": uniform ones with a
// scale per channel or factors of groups, or the entries of a codebook.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H
#define DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H

#include "dyadic/Dialect/Coded/CodedIntegers.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace dyadic {

/// The scale that loses least when `weights` are rounded to its multiples in
/// [−max, max], among some below that of the largest magnitude.
double leastErrorScale(llvm::ArrayRef<float> weights, int32_t max);

/// The numbers that a factor allows: [−8, 7], or [−7, 7] where 8 times it is too much.
struct NumberRange {
  int least, most;
};
NumberRange numbersFor(int factor);

/// Chooses the factors of channel `o` for its `weights` and returns the channel's scale,
/// `leastScale` or more: those of the least Σ (w − scale · factor · number)² that a
/// search finds.
double chooseFactors(GroupFactors &factors, int64_t o, llvm::ArrayRef<float> weights,
                     double leastScale);
/// The numbers nearest to these weights of channel `o`.
void roundToFactors(CodedIntegers &integers, int64_t o, llvm::ArrayRef<float> weights,
                    double scale);

/// The codebook of so many `entries` of the least squared error for values that are
/// given as a histogram: `weights[i]` counts the value i − 127. Zero is always an
/// entry; the entries ascend, the last one repeated where fewer values occur.
std::vector<int8_t> chooseCodebook(llvm::ArrayRef<double> weights, int entries = 16);
/// The entry nearest to `value`, the smaller one of two.
int8_t nearestEntry(llvm::ArrayRef<int8_t> codebook, double value);

} // namespace dyadic

#endif
