//===- OpConverter.cpp ----------------------------------------------------===//
#include "OpConverter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::tosa_import {

bool isStorage(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return false;
  Type element = tensor.getElementType();
  return element.isUnsignedInteger(8) || element.isSignlessInteger(8) ||
         element.isSignlessInteger(16);
}

bool hasIntegers(Type type) {
  auto tensor = dyn_cast<ShapedType>(type);
  return tensor && tensor.getElementType().isInteger();
}

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
    if (element.isF32() || (orQuantized && isStorage(result.getType())))
      continue;
    if (!isa<quant::QuantizedType>(element))
      return emitError() << "expected tensors of f32"
                         << (orQuantized ? ", ui8, i8, i16 or a quantized type"
                                         : "")
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
  return move<qnn::ReshapeOp, dyadic::ReshapeOp>(
      RankedTensorType::get(shape, type.getElementType()), value);
}

Value OpConverter::transpose(Value value, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  Shape shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  return move<qnn::TransposeOp, dyadic::TransposeOp>(
      RankedTensorType::get(shape, type.getElementType()), value, permutation);
}

Value OpConverter::padImage(Value image, ArrayRef<int64_t> pad, int64_t value) {
  if (llvm::all_of(pad, [](int64_t count) { return count == 0; }))
    return image;
  Shape low{0, pad[0], pad[2], 0}, high{0, pad[1], pad[3], 0};
  auto type = cast<RankedTensorType>(image.getType());
  Shape shape(type.getShape());
  for (unsigned i = 0; i < shape.size(); ++i)
    shape[i] += low[i] + high[i];
  return create<dyadic::PadOp>(type.clone(shape), image, low, high,
                               static_cast<int32_t>(value));
}

std::optional<int64_t> OpConverter::integer(Value value, bool isUnsigned) {
  auto tensor = readConstant(value);
  if (failed(tensor) || tensor->numElements() != 1 ||
      !hasIntegers(value.getType()))
    return std::nullopt;
  auto element = static_cast<int64_t>(tensor->get(0));
  if (isUnsigned)
    element &= llvm::maskTrailingOnes<uint64_t>(8 * byteWidth(tensor->kind));
  return element;
}

Value OpConverter::scalar(float value) {
  auto type = RankedTensorType::get({}, b.getF32Type());
  return create<qnn::ConstantOp>(type, DenseElementsAttr::get(type, value));
}

} // namespace dyadic::tosa_import
