//===- Requantize.cpp - sums to bytes on ARM64 ----------------------------===//
//
//   fused  scvtf, fmla (always fused), sub; sqxtn halves what is clamped
//   wide   smull to 64 bits, sshl by a negative shift
//   factor sqrdmulh in lanes of 16 bits, sqxtun
//
//===----------------------------------------------------------------------===//
#include "ARM.h"

#include "../VectorOps.h"
#include "dyadic/Target/Requantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::arm;

Value ARMTarget::requantizeFused(OpBuilder &b, Location loc,
                            const FusedRequantize &op) const {
  Value y = emitFusedRounding(b, loc, op);
  if (op.clampFirst)
    return y;
  // Saturated to 16 bits, which contain [low, high], it is clamped eight lanes
  // at a time.
  VectorOps ops(b, loc);
  if (op.low < INT16_MIN || op.high > INT16_MAX || ops.width(y) % 4)
    return ops.clamp(y, op.low, op.high);
  VectorType words = ops.typeOf(y);
  Value half = arith::TruncIOp::create(b, loc, words.clone(b.getI16Type()),
                                       ops.clamp(y, INT16_MIN, INT16_MAX));
  return arith::ExtSIOp::create(b, loc, words,
                                ops.clamp(half, op.low, op.high));
}

Value ARMTarget::requantizeWide(OpBuilder &b, Location loc,
                            const WideRequantize &op) const {
  // Products of extended words are smull.
  return emitWideRequantize(b, loc, op);
}

Value ARMTarget::multiplyByFactor(OpBuilder &b, Location loc,
                                  const FactorProduct &op) const {
  VectorOps ops(b, loc);
  int64_t count = ops.width(op.x);
  int64_t low = op.resultIsUnsigned ? 0 : INT8_MIN,
          high = op.resultIsUnsigned ? UINT8_MAX : INT8_MAX;
  Value result = ops.zero(ops.typeOf(op.x));
  for (int64_t at = 0; at < count; at += 8) {
    Value words = ops.extend(ops.slice(op.x, at, 8), b.getI16Type(), op.isUnsigned);
    Value sums = emitFactorProduct(b, loc, words, ops.slice(op.factor, at, 8), op,
                                   "llvm.aarch64.neon.sqrdmulh");
    Value bytes = arith::TruncIOp::create(b, loc, ops.type(8, b.getI8Type()),
                                          ops.clamp(sums, low, high));
    result = ops.insert(bytes, result, at);
  }
  return result;
}
