//===- Constants.cpp ------------------------------------------------------===//
#include "Constants.h"

#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Matchers.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

static Attribute constantAttribute(Value value) {
  Attribute attribute;
  matchPattern(value, m_Constant(&attribute));
  return attribute;
}

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// A view of a float constant; nothing is copied but a splat.
static FailureOr<ArrayRef<float>> floatsOf(Value value,
                                           std::vector<float> &storage) {
  if (!cast<RankedTensorType>(value.getType()).getElementType().isF32())
    return failure();
  return viewConstant<float>(constantAttribute(value), storage);
}

std::optional<float> scalarOf(Value value) {
  Attribute attribute = constantAttribute(value);
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attribute);
  // A resource holds thousands of elements; it is no scalar in practice.
  if (!dense || !dense.isSplat() || !dense.getElementType().isF32())
    return std::nullopt;
  return dense.getSplatValue<float>();
}

std::optional<SmallVector<float>> perChannelOf(Value value, int64_t channels) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (std::optional<float> scalar = scalarOf(value))
    return SmallVector<float>(channels, *scalar);
  std::vector<float> storage;
  auto floats = floatsOf(value, storage);
  if (failed(floats) || shape.empty() || shape.back() != channels ||
      static_cast<int64_t>(floats->size()) != channels)
    return std::nullopt;
  return llvm::to_vector(*floats);
}

Value makeFloats(OpBuilder &builder, Location loc, HostTensor tensor) {
  auto type = RankedTensorType::get(tensor.shape, builder.getF32Type());
  return qnn::ConstantOp::create(builder, loc, type,
                                 makeConstant(std::move(tensor), type));
}

Value makeVector(OpBuilder &builder, Location loc, ArrayRef<float> values) {
  HostTensor tensor(ElementKind::F32, {static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<float>().begin());
  return makeFloats(builder, loc, std::move(tensor));
}

Value makeScalar(OpBuilder &builder, Location loc, float value) {
  HostTensor tensor(ElementKind::F32, {});
  tensor.set(0, value);
  return makeFloats(builder, loc, std::move(tensor));
}

FailureOr<Value> evaluateConstant(OpBuilder &builder, Operation *op,
                                  int64_t maxBytes) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      op->hasTrait<OpTrait::ConstantLike>())
    return failure();
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.getElementType().isF32() ||
      type.getNumElements() > maxBytes / 4)
    return failure();
  SmallVector<HostTensor> operands, results;
  if (!llvm::all_of(op->getOperands(), isConstant))
    return failure();
  for (Value operand : op->getOperands()) {
    auto tensor = readConstant(operand);
    if (failed(tensor))
      return failure();
    operands.push_back(std::move(*tensor));
  }
  SmallVector<const HostTensor *> pointers;
  for (const HostTensor &operand : operands)
    pointers.push_back(&operand);
  if (failed(interpretOp(op, pointers, results)))
    return failure();
  builder.setInsertionPoint(op);
  return makeFloats(builder, op->getLoc(), std::move(results.front()));
}

LogicalResult foldToConstant(RewriterBase &rewriter, Operation *op,
                             int64_t maxBytes) {
  auto value = evaluateConstant(rewriter, op, maxBytes);
  if (failed(value))
    return failure();
  rewriter.replaceOp(op, *value);
  return success();
}

} // namespace dyadic
