//===- LiteRTTables.h - functions as LiteRT's reference has them -*- C++ -*-===//
//
// Integer functions of TensorFlow Lite's reference kernels, to the bit: of one
// 8-bit value, as tables, and what its softmax is made of. Written from the
// formats that those kernels define: Qm.n is a 32-bit number with m integer bits.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_LOWERTODYADIC_LITERTTABLES_H
#define DYADIC_LIB_LOWERTODYADIC_LITERTTABLES_H

#include "Lowering.h"

namespace dyadic::litert {

/// The multiplier of 31 bits that goes with `double_round`: ties away from zero,
/// and zero below 2^−32. None when `scale` is negative, not finite, or 2^31 or
/// more.
std::optional<FixedPointMultiplier> quantizeMultiplier(double scale);

/// A multiplier of 31 bits whose requantization by half_up is round(x · scale) in
/// f64, ties away from zero, for every i32 x where that lies in [min, max] or is
/// clamped to it: the arithmetic of int8 fully connected layers. The thresholds
/// of all results prove it; none where no multiplier has them.
std::optional<FixedPointMultiplier>
quantizeMultiplierAsDouble(double scale, int32_t min, int32_t max);

/// MultiplyByQuantizedMultiplier for a multiplier of 31 bits: twice rounded.
int32_t multiply(int64_t x, FixedPointMultiplier multiplier);

/// The storage value of a bound of an activation: rounded half away from zero,
/// after a division of floats.
int32_t quantizeBound(float real, ActivationType type);

/// The table of an op of one operand between 8-bit types. None where the
/// reference has no integer form of the op.
std::optional<HostTensor> tabulate(mlir::Operation *op, ActivationType from,
                                   ActivationType to);

/// e^(−d·scale) in Q0.31 for d = 0 … 255, and zero where the reference takes it
/// for nothing.
llvm::SmallVector<int32_t> softmaxExponentials(double scale);

} // namespace dyadic::litert

#endif
