//===- Requantize.cpp - sums to bytes on the portable target --------------===//
//
// Integers alone.
//
//===----------------------------------------------------------------------===//
#include "Scalar.h"

#include "dyadic/Target/Requantize.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::scalar;

Value ScalarTarget::requantizeWide(OpBuilder &b, Location loc,
                               const WideRequantize &op) const {
  return emitWideRequantize(b, loc, op);
}
