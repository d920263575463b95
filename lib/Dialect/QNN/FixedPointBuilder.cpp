//===- FixedPointBuilder.cpp ----------------------------------------------===//
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

std::optional<FixedPointMultiplier>
litert::quantizeMultiplier(double scale) {
  if (!(scale >= 0) || std::isinf(scale))
    return std::nullopt;
  constexpr int kBits = 31;
  int exponent;
  double rounded = std::round(std::ldexp(std::frexp(scale, &exponent), kBits));
  if (rounded == std::ldexp(1.0, kBits)) {
    rounded /= 2;
    ++exponent;
  }
  int shift = kBits - exponent;
  if (shift < 0)
    return std::nullopt;
  if (scale == 0 || shift > kMaxShift)
    return FixedPointMultiplier{0, kBits};
  return FixedPointMultiplier{static_cast<int32_t>(rounded), shift};
}

Value FixedPointBuilder::extend(Value x, bool isUnsigned, unsigned width) {
  Type type = IntegerType::get(b.getContext(), width);
  if (x.getType() == type)
    return x;
  if (isUnsigned)
    return arith::ExtUIOp::create(b, loc, type, x);
  return arith::ExtSIOp::create(b, loc, type, x);
}

Value FixedPointBuilder::truncate(Value x, unsigned width) {
  Type type = IntegerType::get(b.getContext(), width);
  if (x.getType() == type)
    return x;
  return arith::TruncIOp::create(b, loc, type, x);
}

Value FixedPointBuilder::shiftHalfUp(Value x, int64_t n) {
  if (n == 0)
    return x;
  Value half = constant(int64_t{1} << (n - 1), x);
  return shiftRight(add(x, half), constant(n, x));
}

Value FixedPointBuilder::shiftHalfAway(Value x, Value n) {
  // ⌊(x + ⌊2^n / 2⌋ − (x < 0 and n > 0)) · 2^−n⌋
  Value one = constant(1, x), zero = constant(0, x);
  Value half = shiftRight(shiftLeft(one, n), one);
  Value isNegative = make<arith::CmpIOp>(arith::CmpIPredicate::slt, x, zero);
  Value isShifted = make<arith::CmpIOp>(arith::CmpIPredicate::sgt, n, zero);
  Value less = make<arith::AndIOp>(isNegative, isShifted);
  Value sign = arith::ExtSIOp::create(b, loc, x.getType(), less);
  return shiftRight(add(x, add(half, sign)), n);
}

Value FixedPointBuilder::multiplyHigh(Value x, Value y) {
  Value product = mul(extend(x, false, 64), extend(y, false, 64));
  return truncate(shiftHalfUp(product, 31), 32);
}

Value FixedPointBuilder::shiftLeftSaturated(Value x, int64_t n) {
  Value wide = extend(x, false, 64);
  wide = shiftLeft(wide, constant(n, wide));
  return truncate(clamp(wide, INT32_MIN, INT32_MAX), 32);
}

Value FixedPointBuilder::requantize(Value x, FixedPointMultiplier m,
                                    RoundingMode mode) {
  Value wide = extend(x, false, 64);
  Value product = mul(wide, constant(m.multiplier, wide));
  if (mode == RoundingMode::NearestEven && m.shift > 0) {
    Value shift = constant(m.shift, wide);
    Value odd = make<arith::AndIOp>(shiftRight(product, shift), constant(1, wide));
    Value belowHalf = constant((int64_t{1} << (m.shift - 1)) - 1, wide);
    return truncate(shiftRight(add(add(product, belowHalf), odd), shift), 32);
  }
  bool twice = mode == RoundingMode::DoubleRound;
  int64_t first = twice ? std::min(m.shift, 31) : m.shift;
  Value high = shiftHalfUp(product, first);
  if (m.shift > first)
    high = shiftHalfAway(high, constant(m.shift - first, high));
  return truncate(high, 32);
}

Value FixedPointBuilder::requantizeSmall(Value x, FixedPointMultiplier m) {
  return shiftHalfAway(multiplyHigh(x, i32(m.multiplier)), i32(m.shift - 31));
}

Value FixedPointBuilder::requantizeByte(Value x, FixedPointMultiplier m) {
  // x·2^20·m = (x·⌊m/2^11⌋ + x·(m mod 2^11)/2^11) · 2^31
  constexpr int64_t kBits = 31 - 20;
  int64_t upper = m.multiplier >> kBits, lower = m.multiplier & ((1 << kBits) - 1);
  Value high = mul(x, i32(upper));
  if (lower)
    high = add(high, shiftHalfUp(mul(x, i32(lower)), kBits));
  return m.shift == 31 ? high : shiftHalfAway(high, i32(m.shift - 31));
}

Value FixedPointBuilder::toStorage(Value x, quant::UniformQuantizedType type) {
  Value y = add(x, constant(type.getZeroPoint(), x));
  y = clamp(y, type.getStorageTypeMin(), type.getStorageTypeMax());
  return truncate(y, type.getStorageTypeIntegralWidth());
}

Value FixedPointBuilder::interpolate(Value table, Value x) {
  Value at = add(shiftRight(x, i32(7)), i32(256));
  Value fraction = make<arith::AndIOp>(x, i32(127));
  auto entry = [&](Value i) -> Value {
    Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), i);
    return tensor::ExtractOp::create(b, loc, table, index);
  };
  Value base = entry(at), slope = sub(entry(add(at, i32(1))), base);
  return add(base, shiftHalfUp(mul(slope, fraction), 7));
}

Value FixedPointBuilder::reciprocalOfOnePlus(Value a) {
  constexpr int64_t k48Over17 = 1515870810, k32Over17 = 1010580540; // Q2.29
  // (1 + a) / 2, half away from zero: both summands are positive.
  Value wide = add(extend(a, false, 64), constant(INT32_MAX, extend(a, false, 64)));
  wide = shiftHalfUp(wide, 1);
  Value half = truncate(wide, 32);
  Value x = add(i32(k48Over17), multiplyHigh(half, i32(-k32Over17)));
  for (int step = 0; step < 3; ++step) {
    Value error = sub(i32(1 << 29), multiplyHigh(half, x));
    x = add(x, shiftLeftSaturated(multiplyHigh(x, error), 2));
  }
  return shiftLeftSaturated(x, 1);
}
