//===- Requantize.cpp -----------------------------------------------------===//
#include "dyadic/Target/Requantize.h"

#include "VectorOps.h"
#include "dyadic/Target/KernelTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace dyadic;

static constexpr int64_t kMagicBits = 0x4b400000;

Value dyadic::readMagic(OpBuilder &b, Location loc, Value x,
                        int64_t zeroPoint) {
  VectorOps ops(b, loc);
  auto i32 = ops.typeOf(x).clone(b.getI32Type());
  Value bits = arith::BitcastOp::create(b, loc, i32, x);
  return arith::SubIOp::create(b, loc, bits,
                               ops.splat(i32, kMagicBits - zeroPoint));
}

Value dyadic::atLeast(OpBuilder &b, Location loc, Value x, double low) {
  // max(NaN, low) must be low: compare and select, one instruction each.
  VectorOps ops(b, loc);
  Value lo = ops.splat(ops.typeOf(x), low);
  Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, lo);
  return arith::SelectOp::create(b, loc, above, x, lo);
}

Value dyadic::notAbove(OpBuilder &b, Location loc, Value x, double high) {
  VectorOps ops(b, loc);
  Value hi = ops.splat(ops.typeOf(x), high);
  Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, hi);
  return arith::SelectOp::create(b, loc, above, hi, x);
}

Value dyadic::clampFloat(OpBuilder &b, Location loc, Value x, double low,
                         double high) {
  VectorOps ops(b, loc);
  x = atLeast(b, loc, x, low);
  Value hi = ops.splat(ops.typeOf(x), high);
  Value below = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, hi);
  return arith::SelectOp::create(b, loc, below, x, hi);
}

Value dyadic::emitFusedSum(OpBuilder &b, Location loc, const FusedRequantize &op) {
  VectorOps ops(b, loc);
  auto f32 = ops.typeOf(op.x).clone(b.getF32Type());
  Value real = op.x;
  if (real.getType() != f32)
    real = arith::SIToFPOp::create(b, loc, f32, real);
  double zero = double(kMagic) + (op.neverTies ? double(op.zeroPoint) : 0.0);
  Value sum = math::FmaOp::create(b, loc, real, op.scale, ops.splat(f32, zero));
  if (op.clampFirst)
    sum = clampFloat(b, loc, sum, zero + double(op.low - op.zeroPoint),
                     zero + double(op.high - op.zeroPoint));
  return sum;
}

Value dyadic::emitFusedRounding(OpBuilder &b, Location loc, const FusedRequantize &op) {
  return readMagic(b, loc, emitFusedSum(b, loc, op), op.neverTies ? 0 : op.zeroPoint);
}

Value dyadic::emitFusedRequantize(OpBuilder &b, Location loc,
                              const FusedRequantize &op) {
  Value y = emitFusedRounding(b, loc, op);
  return op.clampFirst ? y : VectorOps(b, loc).clamp(y, op.low, op.high);
}

Value dyadic::emitFactorProduct(OpBuilder &b, Location loc, Value x, Value factors,
                                const FactorProduct &op, StringRef multiply) {
  VectorOps ops(b, loc);
  VectorType type = ops.typeOf(x);
  if (op.inputZp)
    x = arith::SubIOp::create(b, loc, x, ops.splat(type, op.inputZp));
  if (op.multiplier != 1)
    x = arith::MulIOp::create(b, loc, x, ops.splat(type, op.multiplier));
  Value product = ops.callIntrinsic(multiply, type, {x, factors});
  if (!op.zeroPoint)
    return product;
  return arith::AddIOp::create(b, loc, product, ops.splat(type, op.zeroPoint));
}

Value dyadic::emitWideRequantize(OpBuilder &b, Location loc,
                             const WideRequantize &op) {
  VectorOps ops(b, loc);
  Type i64 = b.getI64Type();
  auto wide = [&](Value x) { return ops.extend(x, i64, /*isUnsigned=*/false); };
  auto shift = [&](Value x) -> Value {
    return arith::ShRSIOp::create(b, loc, x, op.shift);
  };
  Value product =
      arith::MulIOp::create(b, loc, wide(op.x), wide(op.multiplier));
  Value odd = arith::AndIOp::create(b, loc, shift(product), op.parity);
  Value sum = arith::AddIOp::create(
      b, loc, arith::AddIOp::create(b, loc, product, op.addend), odd);
  Value rounded = shift(sum);
  Value y = arith::AddIOp::create(
      b, loc, rounded, ops.splat(ops.typeOf(rounded), op.zeroPoint));
  return arith::TruncIOp::create(b, loc, ops.typeOf(op.x),
                                 ops.clamp(y, op.low, op.high));
}
