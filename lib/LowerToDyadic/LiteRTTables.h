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
