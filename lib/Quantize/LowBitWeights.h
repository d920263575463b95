//===- LowBitWeights.h - weights of four bits -------------------*- C++ -*-===//
//
// docs/Quantization.md, section "Weights of four bits": uniform ones with a
// scale per channel, or the entries of a codebook.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H
#define DYADIC_LIB_QUANTIZE_LOWBITWEIGHTS_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace dyadic {

/// The scale that loses least when `weights` are rounded to its multiples in
/// [−max, max], among some below that of the largest magnitude.
double leastErrorScale(llvm::ArrayRef<float> weights, int32_t max);

/// The codebook of so many `entries` of the least squared error for values that are
/// given as a histogram: `weights[i]` counts the value i − 127. Zero is always an
/// entry; the entries ascend, the last one repeated where fewer values occur.
std::vector<int8_t> chooseCodebook(llvm::ArrayRef<double> weights, int entries = 16);
/// The entry nearest to `value`, the smaller one of two.
int8_t nearestEntry(llvm::ArrayRef<int8_t> codebook, double value);

} // namespace dyadic

#endif
