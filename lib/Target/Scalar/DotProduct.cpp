//===- DotProduct.cpp - products of the portable target -------------------===//
#include "Scalar.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::scalar;

/// One element as a one-lane vector; bytes become i32.
static Value loadLane(OpBuilder &b, Location loc, OperandKind kind,
                      Value memref, Value index, bool isUnsigned) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  Value lane = vector::LoadOp::create(b, loc, VectorType::get(1, element),
                                      memref, index);
  if (kind == OperandKind::F32)
    return lane;
  auto i32 = VectorType::get(1, b.getI32Type());
  if (isUnsigned)
    return arith::ExtUIOp::create(b, loc, i32, lane);
  return arith::ExtSIOp::create(b, loc, i32, lane);
}

Value ScalarTarget::loadActivation(OpBuilder &b, Location loc, OperandKind kind,
                                   Value memref, Value index) const {
  return loadLane(b, loc, kind, memref, index, kind == OperandKind::U8);
}

Value ScalarTarget::loadWeights(OpBuilder &b, Location loc, OperandKind kind,
                                Value memref, Value index) const {
  return loadLane(b, loc, kind, memref, index, /*isUnsigned=*/false);
}

Value ScalarTarget::dot(OpBuilder &b, Location loc, OperandKind kind, Value acc,
                        Value activation, Value weights) const {
  return multiplyAdd(b, loc, kind, acc, activation, weights);
}

Value ScalarTarget::multiplyAdd(OpBuilder &b, Location loc, OperandKind kind,
                                Value acc, Value x, Value w) const {
  if (kind == OperandKind::F32) {
    // Without an FMA instruction a fused product would be a library call.
    Value product = arith::MulFOp::create(b, loc, x, w);
    return arith::AddFOp::create(b, loc, acc, product);
  }
  Value product = arith::MulIOp::create(b, loc, x, w);
  return arith::AddIOp::create(b, loc, acc, product);
}
