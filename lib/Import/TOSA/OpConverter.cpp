//===- OpConverter.cpp ----------------------------------------------------===//
#include "OpConverter.h"

using namespace mlir;

namespace dyadic::tosa_import {

LogicalResult OpConverter::checkTypes(bool orQuantized) {
  Type quantized;
  for (Type type :
       llvm::concat<const Type>(llvm::to_vector(op->getOperandTypes()),
                                llvm::to_vector(op->getResultTypes()))) {
    auto shaped = dyn_cast<ShapedType>(type);
    if (!shaped)
      continue; // !tosa.shape
    if (!isa<RankedTensorType>(type) || !shaped.hasStaticShape())
      return emitError() << "expected static shapes, but got " << type
                         << ": run --tosa-infer-shapes first";
  }
  for (Value result : op->getResults()) {
    Type element = cast<ShapedType>(result.getType()).getElementType();
    if (element.isF32())
      continue;
    if (!isa<quant::QuantizedType>(element))
      return emitError() << "expected tensors of f32"
                         << (orQuantized ? " or of a quantized type" : "")
                         << ", but got " << result.getType();
    if (!orQuantized)
      return emitError() << "expected tensors of f32, but got "
                         << result.getType()
                         << ": quantized TOSA is taken only where storage "
                            "values are moved, compared or looked up";
    quantized = element;
  }
  if (quantized)
    for (Value operand : op->getOperands())
      if (auto type = dyn_cast<ShapedType>(operand.getType()))
        if (isa<quant::QuantizedType>(type.getElementType()) &&
            type.getElementType() != quantized)
          return emitError() << "expected operands of the result's quantized "
                                "type, but got "
                             << type;
  return success();
}

FailureOr<HostTensor> OpConverter::constant(Value value, StringRef what) {
  auto tensor = readConstant(value);
  if (failed(tensor))
    return emitError() << "expected " << what << " to be a constant";
  return tensor;
}

FailureOr<Shape> OpConverter::constantShape(Value value, StringRef what) {
  if (auto known = value.getDefiningOp<tosa::ConstShapeOp>())
    return llvm::to_vector(known.getValues().getValues<int64_t>());
  return emitError() << "expected " << what << " to be a tosa.const_shape";
}

LogicalResult OpConverter::expectZero(Value value, StringRef what) {
  auto tensor = constant(value, what);
  if (failed(tensor))
    return failure();
  for (int64_t i = 0; i < tensor->numElements(); ++i)
    if (tensor->get(i) != 0)
      return emitError() << "expected " << what << " to be 0, but got "
                         << tensor->get(i);
  return success();
}

LogicalResult OpConverter::expectNaNPropagation(tosa::NanPropagationMode mode) {
  if (mode == tosa::NanPropagationMode::PROPAGATE)
    return success();
  return emitError() << "expected nan_mode PROPAGATE, but got IGNORE";
}

Value OpConverter::reshape(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  return create<qnn::ReshapeOp>(
      RankedTensorType::get(shape, type.getElementType()), value);
}

Value OpConverter::transpose(Value value, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  Shape shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  return create<qnn::TransposeOp>(
      RankedTensorType::get(shape, type.getElementType()), value, permutation);
}

Value OpConverter::scalar(float value) {
  auto type = RankedTensorType::get({}, b.getF32Type());
  return create<qnn::ConstantOp>(type, DenseElementsAttr::get(type, value));
}

} // namespace dyadic::tosa_import
