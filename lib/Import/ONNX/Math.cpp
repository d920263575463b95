//===- Math.cpp - scalar functions that have no op of their own -----------===//
#include "OpRegistry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// An upstream op on each element of a float; integers are what they were.
template <typename Op> static LogicalResult convertRounding(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input || isInteger(input))
    return node.setOutput(input);
  return node.setOutput(node.elementwise(
      elementOf(input), input, [](OpBuilder &b, Location loc, ValueRange x) {
        return Op::create(b, loc, x[0]);
      }));
}

ArrayRef<OpEntry> mathOps() {
  static const OpEntry entries[] = {
      {"Floor", 1, 1, convertRounding<math::FloorOp>},
      {"Ceil", 1, 1, convertRounding<math::CeilOp>},
      {"Round", 1, 1, convertRounding<math::RoundEvenOp>, 11},
  };
  return entries;
}

} // namespace dyadic::onnx_import
