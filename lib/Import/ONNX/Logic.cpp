//===- Logic.cpp - casts, and what a condition chooses --------------------===//
#include "ElementFunctions.h"
#include "NarrowTypes.h"
#include "OpRegistry.h"
#include "TensorReader.h"

using namespace mlir;

namespace dyadic::onnx_import {

Type computedElement(int64_t type, MLIRContext *context) {
  Type element = borderElement(static_cast<int32_t>(type), context);
  if (element && (element.isF16() || element.isBF16()))
    return Float32Type::get(context);
  return element;
}

/// Types of few bits are kept in wider ones, which saturate elsewhere; of the
/// float types among them only the bits are.
static LogicalResult castTo(NodeImporter &node, int32_t dataType, Type element) {
  auto from = quantizedFormat(node.dataType(0));
  if (from && from->isFloat())
    return node.unsupported("a cast from " + dataTypeName(node.dataType(0)));
  if (isNarrow(dataType))
    return node.unsupported("a cast to " + dataTypeName(dataType));
  node.ignore("saturate");
  node.ignore("round_mode");
  return node.setOutput(node.cast(node.anyInput(0), element));
}

static LogicalResult convertCast(NodeImporter &node) {
  int64_t to = node.getInt("to", 0);
  Type element = computedElement(to, node.getBuilder().getContext());
  if (!element)
    return node.unsupported("a cast to " + dataTypeName(to));
  return castTo(node, to, element);
}

static LogicalResult convertCastLike(NodeImporter &node) {
  Value like = node.anyInput(1);
  return like ? castTo(node, node.dataType(1), elementOf(like)) : failure();
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
      {"Where", 3, 3, convertWhere, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
