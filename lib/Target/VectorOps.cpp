//===- VectorOps.cpp ------------------------------------------------------===//
#include "VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;

Value VectorOps::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value VectorOps::add(Value at, int64_t offset) {
  return b.createOrFold<arith::AddIOp>(loc, at, index(offset));
}

Value VectorOps::load(int64_t width, Value memref, Value index) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(b, loc, type(width, element), memref, index);
}

void VectorOps::prefetch(Value memref, Value index) {
  memref::PrefetchOp::create(b, loc, memref, index, /*isWrite=*/false,
                             /*localityHint=*/2, /*isDataCache=*/true);
}

Value VectorOps::splat(VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type,
                             b.getIntegerAttr(type.getElementType(), value)));
}

Value VectorOps::splat(VectorType type, double value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), value)));
}

Value VectorOps::zero(VectorType type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

Value VectorOps::bitcast(int64_t width, Type element, Value vector) {
  return vector::BitCastOp::create(b, loc, type(width, element), vector);
}

Value VectorOps::broadcast(int64_t width, Value one) {
  return vector::BroadcastOp::create(
      b, loc, type(width, getElementTypeOrSelf(one.getType())), one);
}

Value VectorOps::slice(Value vector, int64_t begin, int64_t width) {
  if (width == VectorOps::width(vector))
    return vector;
  return vector::ExtractStridedSliceOp::create(
      b, loc, vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{width},
      ArrayRef<int64_t>{1});
}

Value VectorOps::insert(Value part, Value vector, int64_t begin) {
  return vector::InsertStridedSliceOp::create(
      b, loc, part, vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{1});
}

Value VectorOps::shuffle(Value x, Value y, ArrayRef<int64_t> lanes) {
  return vector::ShuffleOp::create(b, loc, x, y, lanes);
}

Value VectorOps::extend(Value vector, Type element, bool isUnsigned) {
  auto wide = typeOf(vector).clone(element);
  if (typeOf(vector) == wide)
    return vector;
  if (isUnsigned)
    return arith::ExtUIOp::create(b, loc, wide, vector);
  return arith::ExtSIOp::create(b, loc, wide, vector);
}

Value VectorOps::clamp(Value vector, int64_t low, int64_t high) {
  VectorType type = typeOf(vector);
  vector = arith::MaxSIOp::create(b, loc, vector, splat(type, low));
  return arith::MinSIOp::create(b, loc, vector, splat(type, high));
}

Value VectorOps::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, loc, x, y, z);
}

Value VectorOps::callIntrinsic(StringRef name, Type result,
                               ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}
