//===- QuantizedArithmetic.cpp --------------------------------------------===//
#include "QuantizedArithmetic.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using llvm::APFloat;

namespace dyadic::onnx_import {

/// Scales or zero points so that they broadcast to a tensor of `shape`.
static Value spread(NodeImporter &node, Value value, const ScaleLayout &layout,
                    ArrayRef<int64_t> shape) {
  if (!value)
    return {};
  if (layout.perTensor)
    return node.reshape(value, {});
  if (layout.block == 0) {
    Shape column(shape.size() - layout.axis, 1);
    column[0] = shape[layout.axis];
    return node.reshape(value, column);
  }
  HostTensor indices(ElementKind::I64, {shape[layout.axis]});
  for (auto [i, index] : llvm::enumerate(indices.as<int64_t>()))
    index = static_cast<int64_t>(i) / layout.block;
  return node.emit<qnn::GatherOp>(
      {value, node.constantTensor(std::move(indices))},
      node.attr("axis", layout.axis));
}

/// A stored integer as an i32.
static Value widen(OpBuilder &b, Location loc, Value value, bool isSigned) {
  Type i32 = b.getI32Type();
  if (value.getType() == i32)
    return value;
  if (isSigned)
    return arith::ExtSIOp::create(b, loc, i32, value);
  return arith::ExtUIOp::create(b, loc, i32, value);
}

LogicalResult convertDequantizeArithmetic(NodeImporter &node,
                                          const QuantizedFormat &format,
                                          const ScaleLayout &layout) {
  Value input = node.anyInput(0);
  Value scales = spread(node, node.input(1), layout, node.shapeOfInput(0));
  if (!input || !scales)
    return failure();
  if (format.isFloat()) {
    HostTensor table(ElementKind::F32, {format.max + 1});
    for (int64_t bits = 0; bits <= format.max; ++bits)
      table.as<float>()[bits] = decodeFloat(format, static_cast<uint8_t>(bits));
    Value reals = node.emit<qnn::GatherOp>(
        {node.constantTensor(std::move(table)), input},
        node.attr("axis", int64_t{0}));
    return node.setOutput(node.emit<qnn::MulOp>({reals, scales}));
  }
  SmallVector<Value> operands{input, scales};
  if (node.hasInput(2))
    operands.push_back(
        spread(node, node.anyInput(2), layout, node.shapeOfInput(0)));
  return node.setOutput(node.elementwise(
      Float32Type::get(node.getContext()), operands,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        Value q = widen(b, loc, x[0], format.isSigned());
        if (x.size() > 2)
          q = arith::SubIOp::create(b, loc, q,
                                    widen(b, loc, x[2], format.isSigned()));
        Value real = arith::SIToFPOp::create(b, loc, b.getF32Type(), q);
        return arith::MulFOp::create(b, loc, real, x[1]);
      }));
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
    if (!APFloat::semanticsHasNaN(*format.semantics))
      return signedCode;
    return arith::SelectOp::create(b, loc, isNaN, integer(nanCode()), signedCode);
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

LogicalResult convertQuantizeArithmetic(NodeImporter &node,
                                        const QuantizedFormat &format,
                                        const ScaleLayout &layout,
                                        bool saturate) {
  if (format.bits > 16)
    return node.unsupported("a result of 32 bits");
  ArrayRef<int64_t> shape = node.shapeOfInput(0);
  SmallVector<Value> operands{node.input(0),
                              spread(node, node.input(1), layout, shape)};
  // A float format's zero point is zero.
  if (node.hasInput(2) && !format.isFloat())
    operands.push_back(spread(node, node.anyInput(2), layout, shape));
  Type element = elementTypeOf(format.kind, node.getContext());
  return node.setOutput(node.elementwise(
      element, operands, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        Value scaled = arith::DivFOp::create(b, loc, x[0], x[1]);
        Value code;
        if (format.isFloat()) {
          code = FloatEncoder(b, loc, format, saturate).encode(scaled);
        } else {
          Value q = math::RoundEvenOp::create(b, loc, scaled);
          if (x.size() > 2) {
            Value zero = widen(b, loc, x[2], format.isSigned());
            q = arith::AddFOp::create(
                b, loc, q,
                arith::SIToFPOp::create(b, loc, b.getF32Type(), zero));
          }
          auto bound = [&](int64_t value) {
            return qnn::scalarConstant(b, loc, b.getF32Type(),
                                       static_cast<double>(value));
          };
          q = arith::MaxNumFOp::create(b, loc, q, bound(format.min));
          q = arith::MinNumFOp::create(b, loc, q, bound(format.max));
          code = arith::FPToSIOp::create(b, loc, b.getI32Type(), q);
        }
        return arith::TruncIOp::create(
            b, loc, b.getIntegerType(byteWidth(format.kind) * 8), code);
      }));
}

} // namespace dyadic::onnx_import
