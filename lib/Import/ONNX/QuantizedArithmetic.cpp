//===- QuantizedArithmetic.cpp --------------------------------------------===//
#include "QuantizedArithmetic.h"

#include "FloatFormats.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

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
  if (failed(node.checkAllowance(shape[layout.axis], sizeof(int64_t))))
    return {};
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
    Value reals = decodeFloats(node, format, input);
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
          code = encodeFloat(b, loc, format, saturate, scaled);
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
