//===- Integers.h - which ops compute on integers ---------------*- C++ -*-===//
#ifndef DYADIC_LOWERTODYADIC_INTEGERS_H
#define DYADIC_LOWERTODYADIC_INTEGERS_H

#include "mlir/IR/Operation.h"

namespace dyadic {

/// Whether neither a tensor of an op of level 3 nor anything in its body is a float.
/// Constants, which compute nothing, may be, and so may what dyadic.quantize reads and
/// dyadic.dequantize makes: whether ops compute on those floats is said of them.
bool computesOnIntegers(mlir::Operation *op);

} // namespace dyadic

#endif
