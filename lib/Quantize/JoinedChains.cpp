//===- JoinedChains.cpp ---------------------------------------------------===//
#include "JoinedChains.h"

#include "FloatRegions.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;
using namespace dyadic;

/// Whether the lowering makes a table of an op, or a part of one.
static bool isFunction(Operation *op) {
  if (!isa_and_nonnull<qnn::QuantizableOpInterface>(op))
    return false;
  Value argument = argumentOfFunction(op);
  auto shapeOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  return argument && shapeOf(argument) == shapeOf(op->getResult(0));
}

JoinedChains::JoinedChains(func::FuncOp func) {
  for (Operation &op : func.getBody().getOps()) {
    if (!isFunction(&op))
      continue;
    Value between = argumentOfFunction(&op);
    auto type = cast<RankedTensorType>(between.getType());
    auto result = cast<RankedTensorType>(op.getResult(0).getType());
    if (!isa<quant::UniformQuantizedType>(type.getElementType()) ||
        !isa<quant::UniformQuantizedType>(result.getElementType()) ||
        !between.hasOneUse() || !isFunction(between.getDefiningOp()))
      continue;
    types.emplace_back(between, type);
    between.setType(type.clone(Float32Type::get(func.getContext())));
  }
}

JoinedChains::~JoinedChains() {
  for (auto [value, type] : types)
    value.setType(type);
}
