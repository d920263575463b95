//===- Linear.cpp - MatMul and Gemm ---------------------------------------===//
#include "Contraction.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// Whether qnn.matmul has the batches: equal ones, or one matrix for all.
static bool hasPlainBatches(Value lhs, Value rhs) {
  ArrayRef<int64_t> a = shapeOf(lhs), b = shapeOf(rhs);
  return b.size() <= 2 || (a.size() == b.size() && a.drop_back(2) == b.drop_back(2));
}

static LogicalResult convertMatMul(NodeImporter &node) {
  Value lhs = node.number(0), rhs = node.number(1);
  if (!lhs || !rhs)
    return failure();
  if (isInteger(lhs) || isInteger(rhs) || !hasPlainBatches(lhs, rhs))
    return node.setOutput(emitMatrixProduct(node, lhs, rhs));
  return node.setOutput(
      multiplyAsMatrices(node, lhs, rhs, [&](Value lhs, Value rhs) {
        return node.emit<qnn::MatmulOp>({lhs, rhs});
      }));
}

/// The factor of a constant operand applied to a copy of it.
static HostTensor scaled(HostTensor tensor, float factor) {
  if (factor != 1)
    for (float &element : tensor.as<float>())
      element *= factor;
  return tensor;
}

static bool isFloatConstant(const HostTensor *tensor) {
  return tensor && tensor->kind == ElementKind::F32;
}

/// out = alpha·A·B + beta·C; constant operands take the factors and the
/// transposition in.
static LogicalResult convertGemm(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  bool transA = node.getInt("transA", 0) != 0;
  bool transB = node.getInt("transB", 0) != 0;
  Value a = node.input(0);
  if (!a)
    return failure();
  auto checkMatrix = [&](ArrayRef<int64_t> shape) -> LogicalResult {
    if (shape.size() == 2)
      return success();
    return node.emitError() << "expected matrices, but got " << toString(shape);
  };
  if (failed(checkMatrix(shapeOf(a))))
    return failure();
  if (transA)
    a = node.transpose(a, {1, 0});
  Value b;
  float factor = alpha; // that neither operand has taken in
  const HostTensor *known = node.constant(1);
  if (isFloatConstant(known) && !node.isQuantizedConstant(1)) {
    if (failed(checkMatrix(known->shape)))
      return failure();
    Shape permutation = transB ? Shape{1, 0} : Shape{0, 1};
    b = node.constantTensor(scaled(transpose(*known, permutation), alpha));
    factor = 1;
  } else {
    b = node.input(1);
    if (!b || failed(checkMatrix(shapeOf(b))))
      return failure();
    if (transB)
      b = node.transpose(b, {1, 0});
  }
  bool hasBias = node.hasInput(2) && beta != 0;
  const HostTensor *bias = node.constant(2);
  if (hasBias && factor == 1 && b && isFloatConstant(bias)) {
    int64_t columns = shapeOf(b)[1];
    std::optional<Shape> shape = broadcast(bias->shape, {columns});
    if (shape && countElements(*shape) == columns) {
      HostTensor row =
          copyStrided(*bias, *shape, broadcastStrides(bias->shape, *shape));
      row.shape = {columns};
      return node.setOutput(node.emit<qnn::MatmulOp>(
          {a, b, node.constantTensor(scaled(std::move(row), beta))}));
    }
  }
  Value product = node.emit<qnn::MatmulOp>({a, b});
  if (factor != 1)
    product =
        node.emit<qnn::MulOp>({product, node.constantTensor({factor}, {})});
  if (!hasBias)
    return node.setOutput(product);
  Value addend = node.input(2);
  if (beta != 1)
    addend = node.emit<qnn::MulOp>({addend, node.constantTensor({beta}, {})});
  return node.setOutput(node.emit<qnn::AddOp>({product, addend}));
}

ArrayRef<OpEntry> linearOps() {
  static const OpEntry entries[] = {
      {"MatMul", 2, 2, convertMatMul},
      {"Gemm", 2, 3, convertGemm},
  };
  return entries;
}

} // namespace dyadic::onnx_import
