//===- ContractionWeights.cpp ---------------------------------------------===//
#include "dyadic/Simplify/ContractionWeights.h"

#include "Constants.h"

#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

std::optional<ContractionWeights> ContractionWeights::read(Operation *op) {
  Value weights = op->getOperand(1);
  auto bias = op->getNumOperands() == 3 ? op->getOperand(2) : Value();
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  int64_t rank = shapeOf(weights).size();
  if ((!conv && rank != 2) || (bias && !isConstant(bias)))
    return std::nullopt;
  auto tensor = readConstant(weights);
  if (failed(tensor) || tensor->kind != ElementKind::F32)
    return std::nullopt;
  int64_t outputs = conv ? tensor->shape[0] : tensor->shape[1];
  int64_t groups = conv ? static_cast<int64_t>(conv.getGroups()) : 1;
  ContractionWeights result(std::move(*tensor), bool(conv), groups);
  result.bias.assign(outputs, 0);
  if (bias) {
    auto values = perChannelOf(bias, outputs);
    if (!values)
      return std::nullopt;
    result.bias = std::move(*values);
  }
  return result;
}

void dyadic::setConstantOperand(Operation *op, unsigned index, HostTensor tensor) {
  OpBuilder builder(op);
  auto type = RankedTensorType::get(tensor.shape, builder.getF32Type());
  Value constant = qnn::ConstantOp::create(builder, op->getLoc(), type,
                                           makeConstant(std::move(tensor), builder.getContext()));
  if (index < op->getNumOperands())
    op->setOperand(index, constant);
  else
    op->insertOperands(index, constant);
}
