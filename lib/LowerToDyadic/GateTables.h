//===- GateTables.h - sigmoid and tanh of 16 bits ---------------*- C++ -*-===//
#ifndef DYADIC_LIB_LOWERTODYADIC_GATETABLES_H
#define DYADIC_LIB_LOWERTODYADIC_GATETABLES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace dyadic {

/// A function of x · 2^−fractionBits for 16-bit x. Its values are in [−1, 1] and have
/// 15 bits behind the point.
struct GateFunction {
  double (*function)(double);
  int64_t fractionBits;
};

/// The gates of recurrent networks: beyond ±16 and ±8 either is within half a unit
/// of where it goes.
extern const GateFunction kSigmoidGate, kTanhGate;

/// 513 entries, 128 values of x apart, for lines between them. Each is moved by half
/// of what a line misses in the middle, (f(x + d) − 2·f(x) + f(x − d)) / 16, which
/// halves the greatest error.
llvm::SmallVector<int32_t> gateTable(const GateFunction &gate);

/// What FixedPointBuilder::interpolate computes.
int32_t interpolate(llvm::ArrayRef<int32_t> table, int32_t x);

} // namespace dyadic

#endif
