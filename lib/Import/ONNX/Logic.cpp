//===- Logic.cpp - casts, and what a condition chooses --------------------===//
#include "ElementFunctions.h"
#include "FloatFormats.h"
#include "NarrowTypes.h"
#include "OpRegistry.h"
#include "TensorReader.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace dyadic::onnx_import {

Type computedElement(int64_t type, MLIRContext *context) {
  Type element = borderElement(static_cast<int32_t>(type), context);
  if (element && (element.isF16() || element.isBF16()))
    return Float32Type::get(context);
  return element;
}

/// Reals or integers as a float format of at most 8 bits.
static FailureOr<Value> castToFormat(NodeImporter &node,
                                     const QuantizedFormat &format, Value value) {
  bool saturate = node.getInt("saturate", 1) != 0 || format.bits < 8;
  std::string mode = node.getString("round_mode", "up");
  auto rounding = llvm::StringSwitch<std::optional<ExponentRounding>>(mode)
                      .Case("up", ExponentRounding::Up)
                      .Case("down", ExponentRounding::Down)
                      .Case("nearest", ExponentRounding::Nearest)
                      .Default(std::nullopt);
  if (!rounding)
    return node.unsupported("the rounding '" + mode + "'");
  OpBuilder &builder = node.getBuilder();
  return node.elementwise(
      elementTypeOf(format.kind, node.getContext()),
      node.cast(value, builder.getF32Type()),
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        Value code = format.isExponent()
                         ? encodeExponent(b, loc, *rounding, saturate, x[0])
                         : encodeFloat(b, loc, format, saturate, x[0]);
        return arith::TruncIOp::create(b, loc, b.getI8Type(), code);
      });
}

/// Integers of fewer bits than a byte: what doesn't fit loses its upper bits.
static Value castToBits(NodeImporter &node, const QuantizedFormat &format,
                        Value value) {
  Type i64 = node.getBuilder().getI64Type();
  return node.elementwise(
      elementTypeOf(format.kind, node.getContext()), node.cast(value, i64),
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        Value byte = arith::TruncIOp::create(b, loc, b.getI8Type(), x[0]);
        Value spare = qnn::scalarConstant(b, loc, b.getI8Type(), 8 - format.bits);
        byte = arith::ShLIOp::create(b, loc, byte, spare);
        if (format.isSigned())
          return arith::ShRSIOp::create(b, loc, byte, spare);
        return arith::ShRUIOp::create(b, loc, byte, spare);
      });
}

/// ONNX's Cast of input 0. Types of few bits are kept in bytes; of the float types
/// among them, the bits are.
static LogicalResult castTo(NodeImporter &node, int32_t dataType) {
  Type element = computedElement(dataType, node.getContext());
  if (!element)
    return node.unsupported("a cast to " + dataTypeName(dataType));
  auto from = quantizedFormat(node.dataType(0)), to = quantizedFormat(dataType);
  Value value = node.anyInput(0);
  if (value && from && from->isFloat() && isInteger(value))
    value = decodeFloats(node, *from, value);
  if (!value)
    return failure();
  if (isNarrow(dataType))
    node.setDataType(dataType);
  if (to && to->isFloat()) {
    auto bits = castToFormat(node, *to, value);
    return failed(bits) ? failure() : node.setOutput(*bits);
  }
  node.ignore("saturate");
  node.ignore("round_mode");
  if (isNarrow(dataType))
    return node.setOutput(castToBits(node, *to, value));
  return node.setOutput(node.cast(value, element));
}

static LogicalResult convertCast(NodeImporter &node) {
  return castTo(node, static_cast<int32_t>(node.getInt("to", 0)));
}

static LogicalResult convertCastLike(NodeImporter &node) {
  return castTo(node, node.dataType(1));
}

/// BitCast: the same bits as elements of another type of as many bytes.
static LogicalResult convertBitCast(NodeImporter &node) {
  auto to = static_cast<int32_t>(node.getInt("to", 0));
  Value value = node.anyInput(0);
  if (!value)
    return failure();
  Type from = elementOf(value), element = computedElement(to, node.getContext());
  // 16-bit floats are f32 here, and narrow types have a byte each.
  for (int32_t type : {node.dataType(0), to})
    if (isNarrow(type) || !element ||
        borderElement(type, node.getContext()) !=
            computedElement(type, node.getContext()))
      return node.unsupported("an element of " + dataTypeName(type));
  auto bitsOf = [](Type type) {
    return memoryElementType(type).getIntOrFloatBitWidth();
  };
  if (bitsOf(from) != bitsOf(element))
    return node.emitError() << "expected a type of " << bitsOf(from)
                            << " bits, but got " << dataTypeName(to);
  return node.setOutput(node.elementwise(
      element, value, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        if (isa<FloatType>(from) || isa<FloatType>(element))
          return arith::BitcastOp::create(b, loc, memoryElementType(element), x[0]);
        return qnn::castScalar(b, loc, x[0], from, element);
      }));
}

/// Of f32 an op that goes into the kernels around it.
static LogicalResult convertWhere(NodeImporter &node) {
  Value condition = node.anyInput(0);
  SmallVector<Value> values = sameTypeInputs(node, 1);
  if (!condition || values.empty())
    return failure();
  Type type = elementOf(values[0]), f32 = node.getBuilder().getF32Type();
  if (type == f32)
    return node.setOutput(node.emit<qnn::SelectOp>(
        {node.cast(condition, f32), values[0], values[1]}));
  return node.setOutput(node.elementwise(
      type, {condition, values[0], values[1]},
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        return arith::SelectOp::create(b, loc, x[0], x[1], x[2]);
      }));
}

ArrayRef<OpEntry> logicOps() {
  static const OpEntry entries[] = {
      {"Cast", 1, 1, convertCast},
      {"CastLike", 2, 2, convertCastLike, 15},
      {"BitCast", 1, 1, convertBitCast, 26},
      {"Where", 3, 3, convertWhere, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
