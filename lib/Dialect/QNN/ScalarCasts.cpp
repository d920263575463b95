//===- ScalarCasts.cpp - casts between all element types ------------------===//
#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;

namespace {
/// Scalar arithmetic in few words.
struct Scalars {
  OpBuilder &b;
  Location loc;
  Type i16 = b.getI16Type(), i32 = b.getI32Type(), f32 = b.getF32Type();

  Value constant(Type type, uint64_t bits) {
    return arith::ConstantOp::create(
        b, loc, b.getIntegerAttr(type, APInt(type.getIntOrFloatBitWidth(), bits,
                                             /*isSigned=*/false,
                                             /*implicitTrunc=*/true)));
  }
  Value real(Type type, double value) {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }
  template <typename Op> Value binary(Value x, Value y) {
    return Op::create(b, loc, x, y);
  }
  Value bits(Value x, Type type) {
    return arith::BitcastOp::create(b, loc, type, x);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value masked(Value x, uint64_t mask) {
    return binary<arith::AndIOp>(x, constant(x.getType(), mask));
  }
  Value shiftRight(Value x, int amount) {
    return binary<arith::ShRUIOp>(x, constant(x.getType(), amount));
  }
  Value shiftLeft(Value x, int amount) {
    return binary<arith::ShLIOp>(x, constant(x.getType(), amount));
  }

  /// The f32 that a f16 or bf16 is.
  Value widen(Value x) {
    bool isHalf = x.getType().isF16();
    Value wide = arith::ExtUIOp::create(b, loc, i32, bits(x, i16));
    if (!isHalf)
      return bits(shiftLeft(wide, 16), f32);
    // The exponent moves by a product, which normalizes what is subnormal.
    Value magnitude = shiftLeft(masked(wide, 0x7fff), 13);
    Value scaled = bits(
        binary<arith::MulFOp>(bits(magnitude, f32), real(f32, 0x1p112)), i32);
    Value special = binary<arith::OrIOp>(magnitude, constant(i32, 0x7f800000));
    Value isSpecial = compare(arith::CmpIPredicate::uge, magnitude,
                              constant(i32, 0x7c00 << 13));
    Value sign = shiftLeft(masked(wide, 0x8000), 16);
    return bits(
        binary<arith::OrIOp>(select(isSpecial, special, scaled), sign), f32);
  }

  /// The upper bits of a f32's bits, rounded to the nearest even.
  Value roundBits(Value x, int dropped) {
    Value odd = masked(shiftRight(x, dropped), 1);
    Value half = constant(i32, (uint64_t(1) << (dropped - 1)) - 1);
    return shiftRight(
        binary<arith::AddIOp>(binary<arith::AddIOp>(x, half), odd), dropped);
  }

  /// A f32 as `type`, f16 or bf16.
  Value narrow(Value x, Type type) {
    Value all = bits(x, i32), magnitude = masked(all, 0x7fffffff);
    Value isNaN = compare(arith::CmpIPredicate::ugt, magnitude,
                          constant(i32, 0x7f800000));
    Value result;
    if (type.isBF16()) {
      result = select(isNaN, constant(i32, 0x7fc0), roundBits(magnitude, 16));
    } else {
      // Adding 1/2 puts the bits of a subnormal half at the mantissa's end.
      Value half = real(f32, 0.5);
      Value small = binary<arith::SubIOp>(
          bits(binary<arith::AddFOp>(bits(magnitude, f32), half), i32),
          bits(half, i32));
      Value rebiased = binary<arith::SubIOp>(magnitude, constant(i32, 112 << 23));
      Value isSmall = compare(arith::CmpIPredicate::ult, magnitude,
                              constant(i32, 113 << 23));
      Value isLarge = compare(arith::CmpIPredicate::uge, magnitude,
                              constant(i32, 143 << 23));
      Value special =
          select(isNaN, constant(i32, 0x7e00), constant(i32, 0x7c00));
      result = select(isLarge, special,
                      select(isSmall, small, roundBits(rebiased, 13)));
    }
    Value sign = masked(shiftRight(all, 16), 0x8000);
    Value whole = binary<arith::OrIOp>(result, sign);
    return bits(arith::TruncIOp::create(b, loc, i16, whole), type);
  }

  /// A float truncated to the integers of `type`, which may be unsigned. What is
  /// too large is never converted: that would be poison.
  Value truncate(Value x, IntegerType type) {
    Type memory = memoryElementType(type);
    bool isUnsigned = type.isUnsigned();
    unsigned width = type.getWidth();
    double low = isUnsigned ? 0 : -std::ldexp(1, width - 1);
    double past = std::ldexp(1, isUnsigned ? width : width - 1);
    APInt least = isUnsigned ? APInt(width, 0) : APInt::getSignedMinValue(width);
    APInt most = isUnsigned ? APInt::getMaxValue(width)
                            : APInt::getSignedMaxValue(width);
    Value below = compare(arith::CmpFPredicate::OLT, x, real(x.getType(), low));
    Value above = compare(arith::CmpFPredicate::OGE, x, real(x.getType(), past));
    Value isNaN = compare(arith::CmpFPredicate::UNO, x, x);
    Value outside = binary<arith::OrIOp>(binary<arith::OrIOp>(below, above), isNaN);
    Value safe = select(outside, real(x.getType(), 0), x);
    Value number = isUnsigned
                       ? Value(arith::FPToUIOp::create(b, loc, memory, safe))
                       : Value(arith::FPToSIOp::create(b, loc, memory, safe));
    number = select(above, constant(memory, most.getZExtValue()), number);
    return select(below, constant(memory, least.getZExtValue()), number);
  }

  /// A number of `type` as a f32 or f64.
  Value toReal(Value x, Type from, Type type) {
    if (from.isF16() || from.isBF16()) {
      x = widen(x);
      from = f32;
    }
    if (from == type)
      return x;
    if (from.isF32())
      return arith::ExtFOp::create(b, loc, type, x);
    if (from.isF64())
      return arith::TruncFOp::create(b, loc, type, x);
    if (from.isInteger(1) || from.isUnsignedInteger())
      return arith::UIToFPOp::create(b, loc, type, x);
    return arith::SIToFPOp::create(b, loc, type, x);
  }
};
} // namespace

Value qnn::castScalar(OpBuilder &b, Location loc, Value value, Type from,
                      Type to) {
  Scalars s{b, loc};
  if (from == to)
    return value;
  if (to.isF32() || to.isF64())
    return s.toReal(value, from, to);
  if (to.isF16() || to.isBF16())
    return s.narrow(s.toReal(value, from, s.f32), to);
  if (to.isInteger(1)) {
    if (!isa<FloatType>(from))
      return s.compare(arith::CmpIPredicate::ne, value,
                       s.constant(value.getType(), 0));
    Value real = s.toReal(value, from, from.isF64() ? from : s.f32);
    return s.compare(arith::CmpFPredicate::UNE, real, s.real(real.getType(), 0));
  }
  auto integer = cast<IntegerType>(to);
  if (isa<FloatType>(from))
    return s.truncate(s.toReal(value, from, from.isF64() ? from : s.f32), integer);
  Type memory = memoryElementType(to);
  unsigned have = value.getType().getIntOrFloatBitWidth(), want = integer.getWidth();
  if (have > want)
    return arith::TruncIOp::create(b, loc, memory, value);
  if (have == want)
    return value;
  if (from.isInteger(1) || from.isUnsignedInteger())
    return arith::ExtUIOp::create(b, loc, memory, value);
  return arith::ExtSIOp::create(b, loc, memory, value);
}

Value qnn::buildCast(OpBuilder &b, Location loc, Value input, Type element) {
  auto type = cast<RankedTensorType>(input.getType());
  Type from = type.getElementType();
  if (from == element)
    return input;
  return buildElementwise(
      b, loc, "Cast", type.clone(element), input,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return castScalar(b, loc, x[0], from, element);
      });
}
