//===- FloatFormats.cpp ---------------------------------------------------===//
#include "FloatFormats.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using llvm::APFloat;

namespace dyadic::onnx_import {

Value decodeFloats(NodeImporter &node, const QuantizedFormat &format,
                   Value bits) {
  HostTensor table(ElementKind::F32, {format.max + 1});
  for (int64_t code = 0; code <= format.max; ++code)
    table.as<float>()[code] = decodeFloat(format, static_cast<uint8_t>(code));
  return node.emit<qnn::GatherOp>({node.constantTensor(std::move(table)), bits},
                                  node.attr("axis", int64_t{0}));
}

namespace {
/// Writes the rounding of f32 to a float format, in arithmetic on its bits.
class FloatEncoder {
public:
  FloatEncoder(OpBuilder &b, Location loc, const QuantizedFormat &format,
               bool saturate)
      : b(b), loc(loc), format(format), saturate(saturate),
        mantissa(APFloat::semanticsPrecision(*format.semantics) - 1),
        leastExponent(APFloat::semanticsMinExponent(*format.semantics)) {}

  /// The bits of `value`, an f32, as an i32.
  Value encode(Value value) {
    float most = largest();
    Value size = math::AbsFOp::create(b, loc, value);
    Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                        value, value);
    if (saturate)
      size = arith::MinNumFOp::create(b, loc, size, real(most));
    // Rounded to the multiple of the last mantissa bit's value, a power of two.
    Value exponent = exponentOf(size);
    exponent = arith::MaxSIOp::create(b, loc, exponent, integer(leastExponent));
    Value step = powerOfTwo(
        arith::SubIOp::create(b, loc, exponent, integer(mantissa)));
    Value steps = math::RoundEvenOp::create(
        b, loc, arith::DivFOp::create(b, loc, size, step));
    Value rounded = arith::MulFOp::create(b, loc, steps, step);

    // Normal numbers have their exponent and mantissa, the others are counted.
    Value bits = bitsOf(rounded);
    Value normal = arith::ShRUIOp::create(b, loc, bits, integer(23 - mantissa));
    normal = arith::SubIOp::create(
        b, loc, normal, integer((127 + leastExponent - 1) << mantissa));
    Value counted = arith::FPToSIOp::create(
        b, loc, b.getI32Type(),
        arith::MulFOp::create(b, loc, rounded,
                              real(std::ldexp(1.0f, mantissa - leastExponent))));
    Value isNormal =
        compare(arith::CmpFPredicate::OGE, rounded, std::ldexp(1.0f, leastExponent));
    Value code = arith::SelectOp::create(b, loc, isNormal, normal, counted);
    if (!saturate) {
      Value over = compare(arith::CmpFPredicate::OGT, rounded, most);
      code = arith::SelectOp::create(b, loc, over, integer(overflowCode()), code);
    }
    Value sign = arith::ShRUIOp::create(b, loc, bitsOf(value), integer(31));
    sign = arith::ShLIOp::create(b, loc, sign, integer(format.bits - 1));
    Value signedCode = arith::OrIOp::create(b, loc, code, sign);
    if (hasOneZero()) {
      Value isZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                           code, integer(0));
      signedCode = arith::SelectOp::create(b, loc, isZero, code, signedCode);
    }
    // A format without NaN has zero for it.
    bool hasNaN = APFloat::semanticsHasNaN(*format.semantics);
    return arith::SelectOp::create(b, loc, isNaN, integer(hasNaN ? nanCode() : 0),
                                   signedCode);
  }

private:
  Value integer(int64_t value) {
    return qnn::scalarConstant(b, loc, b.getI32Type(), static_cast<double>(value));
  }
  Value real(float value) {
    return qnn::scalarConstant(b, loc, b.getF32Type(), value);
  }
  Value bitsOf(Value value) {
    return arith::BitcastOp::create(b, loc, b.getI32Type(), value);
  }
  Value compare(arith::CmpFPredicate predicate, Value value, float bound) {
    return arith::CmpFOp::create(b, loc, predicate, value, real(bound));
  }
  /// Of a size: its exponent, too small for denormal ones.
  Value exponentOf(Value size) {
    Value biased = arith::ShRUIOp::create(b, loc, bitsOf(size), integer(23));
    return arith::SubIOp::create(b, loc, biased, integer(127));
  }
  Value powerOfTwo(Value exponent) {
    Value biased = arith::AddIOp::create(b, loc, exponent, integer(127));
    Value bits = arith::ShLIOp::create(b, loc, biased, integer(23));
    return arith::BitcastOp::create(b, loc, b.getF32Type(), bits);
  }
  float largest() const {
    APFloat value = APFloat::getLargest(*format.semantics);
    bool losesInfo;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToFloat();
  }
  bool hasOneZero() const {
    return !APFloat(*format.semantics, llvm::APInt::getSignMask(format.bits)).isZero();
  }
  int64_t nanCode() const {
    return APFloat::getNaN(*format.semantics).bitcastToAPInt().getZExtValue();
  }
  int64_t overflowCode() const {
    if (!APFloat::semanticsHasInf(*format.semantics))
      return nanCode();
    return APFloat::getInf(*format.semantics).bitcastToAPInt().getZExtValue();
  }

  OpBuilder &b;
  Location loc;
  const QuantizedFormat &format;
  bool saturate;
  int mantissa, leastExponent;
};
} // namespace

Value encodeFloat(OpBuilder &b, Location loc, const QuantizedFormat &format,
                  bool saturate, Value value) {
  return FloatEncoder(b, loc, format, saturate).encode(value);
}

Value encodeExponent(OpBuilder &b, Location loc, ExponentRounding rounding,
                     bool saturate, Value value) {
  auto integer = [&](int64_t x) {
    return qnn::scalarConstant(b, loc, b.getI32Type(), static_cast<double>(x));
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value x, int64_t y) -> Value {
    return arith::CmpIOp::create(b, loc, predicate, x, integer(y));
  };
  Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), value);
  Value exponent = arith::ShRUIOp::create(b, loc, bits, integer(23));
  exponent = arith::AndIOp::create(b, loc, exponent, integer(0xff));
  Value fraction = arith::AndIOp::create(b, loc, bits, integer(0x7fffff));
  Value isLast = compare(arith::CmpIPredicate::eq, exponent, 0xfe);
  Value isSpecial = compare(arith::CmpIPredicate::eq, exponent, 0xff);
  // The half of a subnormal number, whose exponent is 0, goes down.
  Value half = integer(0x400000);
  Value ties = arith::SelectOp::create(
      b, loc, compare(arith::CmpIPredicate::ne, exponent, 0), half,
      integer(0x400001));
  Value least = rounding == ExponentRounding::Up        ? integer(1)
                : rounding == ExponentRounding::Nearest ? ties
                                                        : integer(0x800000);
  Value goesUp = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge,
                                       fraction, least);
  Value stays = saturate ? Value(arith::OrIOp::create(b, loc, isSpecial, isLast))
                         : isSpecial;
  Value step = arith::SelectOp::create(b, loc, goesUp, integer(1), integer(0));
  step = arith::SelectOp::create(b, loc, stays, integer(0), step);
  return arith::AddIOp::create(b, loc, exponent, step);
}

} // namespace dyadic::onnx_import
