//===- ScalarMath.cpp -----------------------------------------------------===//
#include "ScalarMath.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace dyadic::onnx_import {

Value ScalarMath::number(double value) const {
  if (isReal())
    return qnn::scalarConstant(b, loc, type, value);
  auto signless = IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth());
  return qnn::scalarConstant(b, loc, signless, value);
}

Value ScalarMath::add(Value x, Value y) const {
  return isReal() ? op<arith::AddFOp>(x, y) : op<arith::AddIOp>(x, y);
}
Value ScalarMath::sub(Value x, Value y) const {
  return isReal() ? op<arith::SubFOp>(x, y) : op<arith::SubIOp>(x, y);
}
Value ScalarMath::mul(Value x, Value y) const {
  return isReal() ? op<arith::MulFOp>(x, y) : op<arith::MulIOp>(x, y);
}

Value ScalarMath::div(Value x, Value y) const {
  if (isReal())
    return op<arith::DivFOp>(x, y);
  // What a machine would trap on isn't divided.
  Value zero = number(0), one = number(1);
  Value isZero = equal(y, zero);
  if (isUnsigned())
    return select(isZero, zero,
                  op<arith::DivUIOp>(x, select(isZero, one, y)));
  Value isMinus = equal(y, number(-1));
  Value unsafe = op<arith::OrIOp>(isZero, isMinus);
  Value quotient = op<arith::DivSIOp>(x, select(unsafe, one, y));
  return select(isZero, zero, select(isMinus, sub(zero, x), quotient));
}

Value ScalarMath::mod(Value x, Value y, bool isFmod) const {
  if (isReal()) {
    Value rest = op<arith::RemFOp>(x, y);
    if (isFmod)
      return rest;
    Value zero = number(0);
    Value differs = op<arith::XOrIOp>(less(rest, zero), less(y, zero));
    Value moves = op<arith::AndIOp>(differs, bitNot(equal(rest, zero)));
    return select(moves, add(rest, y), rest);
  }
  Value rest = sub(x, mul(div(x, y), y));
  rest = select(equal(y, number(0)), number(0), rest);
  if (isFmod || isUnsigned())
    return rest;
  Value zero = number(0);
  Value differs = op<arith::XOrIOp>(less(rest, zero), less(y, zero));
  Value moves = op<arith::AndIOp>(differs, bitNot(equal(rest, zero)));
  return select(moves, add(rest, y), rest);
}

/// Integers to the power of integers: by squaring, bit by bit of the exponent.
Value ScalarMath::power(Value x, Value y, bool isSignedExponent) const {
  Value one = number(1);
  auto index = [&](int64_t value) { return qnn::indexConstant(b, loc, value); };
  auto width = y.getType().getIntOrFloatBitWidth();
  auto loop = scf::ForOp::create(
      b, loc, index(0), index(width), index(1), ValueRange{one, x, y},
      [&](OpBuilder &inside, Location loc, Value, ValueRange carried) {
        ScalarMath s(inside, loc, type);
        Value exponent = carried[2], bit = s.numberLike(exponent, 1);
        Value isSet = arith::CmpIOp::create(
            inside, loc, arith::CmpIPredicate::ne,
            s.op<arith::AndIOp>(exponent, bit), s.numberLike(exponent, 0));
        Value product =
            s.select(isSet, s.mul(carried[0], carried[1]), carried[0]);
        scf::YieldOp::create(
            inside, loc,
            ValueRange{product, s.mul(carried[1], carried[1]),
                       s.op<arith::ShRUIOp>(exponent, bit)});
      });
  Value result = loop.getResult(0);
  if (!isSignedExponent)
    return result;
  // 1/xⁿ, truncated: only 1 and -1 leave something.
  Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, y,
                                           numberLike(y, 0));
  Value isOne = equal(mul(x, x), one);
  return select(isNegative, select(isOne, result, number(0)), result);
}

Value ScalarMath::pow(Value x, Value y, Type exponentType) const {
  if (!isReal() && isa<IntegerType>(exponentType))
    return power(x, y, !exponentType.isUnsignedInteger());
  if (isReal()) {
    Value exponent = qnn::castScalar(b, loc, y, exponentType, type);
    return op<math::PowFOp>(x, exponent);
  }
  Type f64 = b.getF64Type();
  Value result =
      op<math::PowFOp>(qnn::castScalar(b, loc, x, type, f64),
                         qnn::castScalar(b, loc, y, exponentType, f64));
  return qnn::castScalar(b, loc, result, f64, type);
}

Value ScalarMath::neg(Value x) const {
  return isReal() ? op<arith::NegFOp>(x) : sub(number(0), x);
}

Value ScalarMath::abs(Value x) const {
  if (isReal())
    return op<math::AbsFOp>(x);
  return isUnsigned() ? x : select(less(x, number(0)), neg(x), x);
}

Value ScalarMath::sign(Value x) const {
  Value zero = number(0);
  Value negative = isUnsigned() ? zero : select(less(x, zero), number(-1), x);
  if (isUnsigned())
    return select(equal(x, zero), zero, number(1));
  return select(less(zero, x), number(1), negative);
}

Value ScalarMath::maximum(Value x, Value y) const {
  if (isReal())
    return op<arith::MaximumFOp>(x, y);
  return isUnsigned() ? op<arith::MaxUIOp>(x, y) : op<arith::MaxSIOp>(x, y);
}
Value ScalarMath::minimum(Value x, Value y) const {
  if (isReal())
    return op<arith::MinimumFOp>(x, y);
  return isUnsigned() ? op<arith::MinUIOp>(x, y) : op<arith::MinSIOp>(x, y);
}

Value ScalarMath::equal(Value x, Value y) const {
  if (isReal())
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}
Value ScalarMath::less(Value x, Value y) const {
  if (isReal())
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  return arith::CmpIOp::create(b, loc,
                               isUnsigned() ? arith::CmpIPredicate::ult
                                            : arith::CmpIPredicate::slt,
                               x, y);
}
Value ScalarMath::lessOrEqual(Value x, Value y) const {
  if (isReal())
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y);
  return arith::CmpIOp::create(b, loc,
                               isUnsigned() ? arith::CmpIPredicate::ule
                                            : arith::CmpIPredicate::sle,
                               x, y);
}

Value ScalarMath::bitAnd(Value x, Value y) const {
  return op<arith::AndIOp>(x, y);
}
Value ScalarMath::bitOr(Value x, Value y) const {
  return op<arith::OrIOp>(x, y);
}
Value ScalarMath::bitXor(Value x, Value y) const {
  return op<arith::XOrIOp>(x, y);
}
Value ScalarMath::bitNot(Value x) const {
  return op<arith::XOrIOp>(x, numberLike(x, -1));
}

Value ScalarMath::shift(Value x, Value y, bool left) const {
  Value width = number(type.getIntOrFloatBitWidth());
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, y, width);
  if (!left && !isUnsigned()) // what is shifted in is the sign
    return op<arith::ShRSIOp>(
        x, select(fits, y, number(type.getIntOrFloatBitWidth() - 1)));
  Value amount = select(fits, y, number(0));
  Value shifted = left ? op<arith::ShLIOp>(x, amount)
                       : op<arith::ShRUIOp>(x, amount);
  return select(fits, shifted, number(0));
}

Value ScalarMath::softplus(Value x) const {
  Value rest = op<math::Log1pOp>(exp(neg(abs(x))));
  return add(maximum(x, number(0)), rest);
}

} // namespace dyadic::onnx_import
