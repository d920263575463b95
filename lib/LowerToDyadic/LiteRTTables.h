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

#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

namespace dyadic::litert {

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

/// Unsigned bytes of type `from` as those of type `to`, as a concatenation rescales
/// them: in floats, half away from zero.
HostTensor concatTable(ActivationType from, ActivationType to);

/// What 16-bit functions interpolate, 513 samples of 16 bits each: e^x of x in
/// [−10, 0] and 1 / (1 + x) of x in [0, 1] as Q0.15, and an op's function of all
/// that `from` can represent, in steps of `to`.
llvm::SmallVector<int32_t> exponentialTable();
llvm::SmallVector<int32_t> inverseTable();
llvm::SmallVector<int32_t> interpolationTable(qnn::ElementwiseOpInterface op,
                                              ActivationType from,
                                              ActivationType to);

/// 2^16 / (1 + e^(−i/24)) for i = 0 … 255, for lines between them: of it 16-bit
/// sigmoid and tanh are made.
llvm::SmallVector<int32_t> sigmoidTable();

/// The multiplier of up to 15 bits and the shift that turn 16-bit values of some
/// scale into 1/12288.
struct SigmoidInput {
  int32_t multiplier, shift;
};
SigmoidInput sigmoidInput(double scale);

/// e^(−d·scale) in Q0.31 for d = 0 … 255, and zero where the reference takes it
/// for nothing.
llvm::SmallVector<int32_t> softmaxExponentials(double scale);

} // namespace dyadic::litert

#endif
