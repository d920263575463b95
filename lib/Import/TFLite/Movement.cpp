//===- Movement.cpp - where elements go -----------------------------------===//
#include "OpRegistry.h"

using namespace mlir;

namespace dyadic::tflite_import {

/// The shape is the result's in the file, whatever says so.
static LogicalResult convertReshape(NodeImporter &node) {
  return node.setOutput(
      node.reshape(node.input(0), node.outputTensor().shape()));
}

ArrayRef<OpEntry> movementOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::RESHAPE, 1, 2, convertReshape, /*shapeInput=*/1},
      {Op::SQUEEZE, 1, 1, convertReshape},
      {Op::EXPAND_DIMS, 1, 2, convertReshape, /*shapeInput=*/1},
  };
  return entries;
}

} // namespace dyadic::tflite_import
