//===- QuantizedArithmetic.cpp --------------------------------------------===//
#include "QuantizedArithmetic.h"

using namespace mlir;

namespace dyadic::onnx_import {

LogicalResult convertDequantizeArithmetic(NodeImporter &node,
                                          const QuantizedFormat &,
                                          const ScaleLayout &, int64_t) {
  return node.unsupported("a scale that is computed at run time");
}

LogicalResult convertQuantizeArithmetic(NodeImporter &node,
                                        const QuantizedFormat &,
                                        const ScaleLayout &, bool) {
  return node.unsupported("a scale that is computed at run time");
}

} // namespace dyadic::onnx_import
