//===- Quantization.cpp - borders between floats and integers -------------===//
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;

namespace dyadic::tflite_import {

/// x / scale, rounded half away from zero, as a storage value of `type`: what
/// LiteRT computes, where dyadic.quantize multiplies and rounds to even.
static Value quantizeScalar(OpBuilder &b, Location loc, Value x,
                            quant::UniformQuantizedType type) {
  auto number = [&](float value) {
    return qnn::scalarConstant(b, loc, b.getF32Type(), value);
  };
  auto scale = static_cast<float>(type.getScale());
  Value v = arith::DivFOp::create(b, loc, x, number(scale));
  // Almost a half: a whole one would lift what is just below.
  Value half = math::CopySignOp::create(b, loc, number(0x1.fffffep-2f), v);
  v = math::TruncOp::create(b, loc, arith::AddFOp::create(b, loc, v, half));
  v = arith::AddFOp::create(b, loc, v, number(type.getZeroPoint()));
  v = arith::MaxNumFOp::create(b, loc, v, number(type.getStorageTypeMin()));
  v = arith::MinNumFOp::create(b, loc, v, number(type.getStorageTypeMax()));
  Value word = arith::FPToSIOp::create(b, loc, b.getI32Type(), v);
  return arith::TruncIOp::create(b, loc, type.getStorageType(), word);
}

static LogicalResult convertQuantize(NodeImporter &node) {
  Value input = node.input(0);
  auto type = dyn_cast<quant::UniformQuantizedType>(node.outputType());
  if (!input || !type)
    return node.unsupported("a result that isn't quantized as a whole");
  OpBuilder &b = node.getBuilder();
  Location loc = node.getLoc();
  // A concatenation of one tensor is a rescale.
  if (isa<quant::QuantizedType>(elementOf(input)))
    return node.setOutput(
        node.emit<qnn::ConcatOp>(input, type, node.attr("axis", int64_t{0})));
  auto tensor = cast<RankedTensorType>(input.getType());
  Value stored = qnn::buildElementwise(
      b, loc, "Quantize", tensor.clone(type.getStorageType()), input,
      [&](OpBuilder &b, Location loc, ValueRange scalars) {
        return quantizeScalar(b, loc, scalars[0], type);
      });
  return node.setOutput(
      quant::StorageCastOp::create(b, loc, tensor.clone(type), stored));
}

static LogicalResult convertDequantize(NodeImporter &node) {
  const Tensor &from = node.inputTensor(0);
  // Weights of f16 become f32 where they are read.
  if (auto known = node.constant(0);
      known && from.type() == tflite::TensorType::FLOAT16)
    return node.setOutput(node.constantTensor(std::move(*known), node.outputType()));
  Value input = node.input(0);
  if (!input)
    return failure();
  if (!isa<quant::UniformQuantizedType>(elementOf(input)))
    return node.unsupported("an operand of " + nameOf(from.type()));
  auto type = cast<RankedTensorType>(input.getType()).clone(node.outputType());
  return node.setOutput(quant::DequantizeCastOp::create(
      node.getBuilder(), node.getLoc(), type, input));
}

static LogicalResult convertCast(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  if (isa<quant::QuantizedType>(elementOf(input)) || node.isQuantized())
    return node.unsupported("a cast of quantized values");
  return node.setOutput(
      qnn::buildCast(node.getBuilder(), node.getLoc(), input, node.outputType()));
}

ArrayRef<OpEntry> quantizationOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::QUANTIZE, 1, 1, convertQuantize},
      {Op::DEQUANTIZE, 1, 1, convertDequantize},
      {Op::CAST, 1, 1, convertCast},
  };
  return entries;
}

} // namespace dyadic::tflite_import
