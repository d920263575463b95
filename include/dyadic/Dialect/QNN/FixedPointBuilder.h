//===- FixedPointBuilder.h - LiteRT's scalar arithmetic as IR ---*- C++ -*-===//
//
// For bodies of qnn.compute: what Support/FixedPoint.h computes, on i32 scalars.
// Qm.n is a number with m integer bits.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DIALECT_QNN_FIXEDPOINTBUILDER_H
#define DYADIC_DIALECT_QNN_FIXEDPOINTBUILDER_H

#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"

namespace dyadic {

namespace litert {
/// The multiplier of 31 bits that goes with `double_round`: ties away from zero,
/// and zero below 2^−32. None when `scale` is negative, not finite, or 2^31 or
/// more.
std::optional<FixedPointMultiplier> quantizeMultiplier(double scale);
} // namespace litert

struct FixedPointBuilder {
  mlir::OpBuilder &b;
  mlir::Location loc;

  using Value = mlir::Value;
  template <typename Op, typename... Values> Value make(Values... values) {
    return Op::create(b, loc, values...);
  }
  /// A constant of the type of `like`.
  Value constant(int64_t value, Value like) {
    return mlir::arith::ConstantOp::create(
        b, loc, b.getIntegerAttr(like.getType(), value));
  }
  Value i32(int64_t value) {
    return mlir::arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
  }
  Value add(Value x, Value y) { return make<mlir::arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return make<mlir::arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return make<mlir::arith::MulIOp>(x, y); }
  Value shiftRight(Value x, Value n) { return make<mlir::arith::ShRSIOp>(x, n); }
  Value shiftLeft(Value x, Value n) { return make<mlir::arith::ShLIOp>(x, n); }
  Value clamp(Value x, int64_t low, int64_t high) {
    x = make<mlir::arith::MaxSIOp>(x, constant(low, x));
    return make<mlir::arith::MinSIOp>(x, constant(high, x));
  }
  /// An integer of any width as i32 or i64, and back.
  Value extend(Value x, bool isUnsigned, unsigned width = 32);
  Value truncate(Value x, unsigned width);

  /// x · 2^−n, half up.
  Value shiftHalfUp(Value x, int64_t n);
  /// The same, half away from zero; n ≥ 0 is a value of x's type.
  Value shiftHalfAway(Value x, Value n);
  /// x · y · 2^−31 of Q0.31 factors, half up, as i32. Not both −2^31.
  Value multiplyHigh(Value x, Value y);
  /// x · 2^n, saturated to i32.
  Value shiftLeftSaturated(Value x, int64_t n);
  /// R(x, multiplier, shift) of an i32 or i64, as i32.
  Value requantize(Value x, FixedPointMultiplier multiplier,
                   RoundingMode mode = RoundingMode::DoubleRound);
  /// The same twice rounded, for |x| < 2^30 and a shift of 31 to 61: all but the product
  /// fits 32 bits.
  Value requantizeSmall(Value x, FixedPointMultiplier multiplier);
  /// R(x · 2^20, multiplier, shift) of |x| < 2^9 for a shift of 31 to 61, twice
  /// rounded: 32 bits are enough.
  Value requantizeByte(Value x, FixedPointMultiplier multiplier);
  /// x and the zero point, clamped to the type's storage.
  Value toStorage(Value x, mlir::quant::UniformQuantizedType type);
  /// What a table of 513 numbers of 16 bits has for x in [−2^15, 2^15): linear
  /// between its entries, which are 128 apart.
  Value interpolate(Value table, Value x);
  /// 1 / (1 + x) of x in [0, 1), both Q0.31, by three steps of Newton's method.
  Value reciprocalOfOnePlus(Value x);
};

} // namespace dyadic

#endif
