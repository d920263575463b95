//===- NodeImporter.cpp ---------------------------------------------------===//
#include "NodeImporter.h"

#include "dyadic/Dialect/QNN/InferTypes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace dyadic::tflite_import {

std::string toString(ArrayRef<int64_t> shape) {
  return "[" +
         llvm::join(llvm::map_range(shape,
                                    [](int64_t e) { return std::to_string(e); }),
                    ", ") +
         "]";
}

/// The storage type of quantized elements; null for other types.
static IntegerType storageTypeOf(tflite::TensorType type,
                                 MLIRContext *context) {
  switch (type) {
  case tflite::TensorType::INT4:
  case tflite::TensorType::INT8:
  case tflite::TensorType::UINT8:
    return IntegerType::get(context, 8);
  case tflite::TensorType::INT16:
    return IntegerType::get(context, 16);
  case tflite::TensorType::INT32:
    return IntegerType::get(context, 32);
  default:
    return {};
  }
}

static Type plainTypeOf(tflite::TensorType type, MLIRContext *context) {
  switch (type) {
  case tflite::TensorType::FLOAT32:
  case tflite::TensorType::FLOAT16:
    return Float32Type::get(context);
  case tflite::TensorType::BOOL:
    return IntegerType::get(context, 1);
  case tflite::TensorType::UINT8:
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  case tflite::TensorType::INT64:
    return IntegerType::get(context, 64);
  default:
    return storageTypeOf(type, context);
  }
}

Type elementTypeOf(const Tensor &tensor, MLIRContext *context) {
  IntegerType storage = storageTypeOf(tensor.type(), context);
  if (!tensor.isQuantized() || !storage)
    return plainTypeOf(tensor.type(), context);
  bool isSigned = tensor.type() != tflite::TensorType::UINT8;
  unsigned flags = isSigned ? quant::QuantizationFlags::Signed : 0;
  unsigned width = storage.getWidth();
  int64_t min = quant::QuantizedType::getDefaultMinimumForInteger(isSigned, width),
          max = quant::QuantizedType::getDefaultMaximumForInteger(isSigned, width);
  SmallVector<int64_t> zeroPoints(tensor.scales().size(), 0);
  for (auto [i, zeroPoint] : llvm::enumerate(zeroPoints))
    if (!tensor.zeroPoints().empty())
      zeroPoint = tensor.zeroPoints()[std::min(i, tensor.zeroPoints().size() - 1)];
  auto real = Float32Type::get(context);
  if (tensor.scales().size() == 1)
    return quant::UniformQuantizedType::get(flags, storage, real,
                                            tensor.scales()[0], zeroPoints[0],
                                            min, max);
  SmallVector<double> scales(tensor.scales().begin(), tensor.scales().end());
  return quant::UniformQuantizedPerAxisType::get(
      flags, storage, real, scales, zeroPoints,
      static_cast<int32_t>(tensor.quantizedDimension()), min, max);
}

InFlightDiagnostic NodeImporter::emitError() const {
  auto diagnostic = mlir::emitError(loc);
  diagnostic << op.kind() << ": ";
  return diagnostic;
}

InFlightDiagnostic NodeImporter::unsupported(const Twine &what) const {
  auto diagnostic = emitError();
  diagnostic << what << " is not supported";
  return diagnostic;
}

Type NodeImporter::outputType(size_t i) const {
  return elementTypeOf(outputTensor(i), builder.getContext());
}

Value NodeImporter::input(size_t i) {
  if (!hasInput(i)) {
    emitError() << "input " << i << " is missing";
    return {};
  }
  if (Value value = values[op.inputs[i]])
    return value;
  const Tensor &tensor = inputTensor(i);
  Type element = elementTypeOf(tensor, builder.getContext());
  if (!tensor.isConstant() || !element) {
    emitError() << "input " << i << " ('" << tensor.name() << "') of "
                << nameOf(tensor.type()) << " is neither computed nor known";
    return {};
  }
  return constantTensor(tensor.read(), element);
}

std::optional<HostTensor> NodeImporter::constant(size_t i) const {
  if (!hasInput(i) || !inputTensor(i).isConstant())
    return std::nullopt;
  return inputTensor(i).read();
}

FailureOr<Shape> NodeImporter::integers(size_t i, StringRef what) const {
  auto known = constant(i);
  if (!known)
    return unsupported(what + " that are computed at run time");
  Shape result;
  for (int64_t k = 0, e = known->numElements(); k < e; ++k)
    result.push_back(static_cast<int64_t>(known->get(k)));
  return result;
}

LogicalResult NodeImporter::setOutput(Value value, size_t i) {
  if (!value)
    return failure();
  Shape declared = outputTensor(i).shape();
  // Of a custom operator's results files often have no shape.
  bool isOpen = op.code == tflite::BuiltinOperator::CUSTOM && declared.empty();
  if (!isOpen && ArrayRef<int64_t>(declared) != shapeOf(value))
    return emitError() << "computes " << toString(shapeOf(value))
                       << ", but the file says " << toString(declared);
  outputs[i] = value;
  return success();
}

Value NodeImporter::emit(StringRef opName, ValueRange operands, Type element,
                         ArrayRef<NamedAttribute> attributes) {
  if (!llvm::all_of(operands, [](Value operand) { return bool(operand); }))
    return {};
  OperationState state(loc, OperationName(opName, builder.getContext()), operands,
                       TypeRange(), attributes);
  if (failed(qnn::inferTypes(state, [&] { return emitError(); })))
    return {};
  auto type = cast<RankedTensorType>(state.types.front());
  if (type.getNumElements() == 0) {
    emitError() << "a result of shape " << toString(type.getShape())
                << " is empty";
    return {};
  }
  if (element)
    state.types.front() = type.clone(element);
  return builder.create(state)->getResult(0);
}

Value NodeImporter::constantTensor(HostTensor tensor, Type element) {
  if (tensor.numElements() == 0) {
    emitError() << "an operand of shape " << toString(tensor.shape)
                << " is empty";
    return {};
  }
  auto type = RankedTensorType::get(tensor.shape, element);
  return qnn::ConstantOp::create(
      builder, loc, type, makeConstant(std::move(tensor), builder.getContext()));
}

Value NodeImporter::reshape(Value value, ArrayRef<int64_t> shape) {
  if (!value || shapeOf(value) == shape)
    return value;
  if (llvm::any_of(shape, [](int64_t e) { return e < 0; }) ||
      ShapedType::getNumElements(shape) !=
          ShapedType::getNumElements(shapeOf(value))) {
    emitError() << "cannot reshape " << toString(shapeOf(value)) << " to "
                << toString(shape);
    return {};
  }
  auto type = cast<RankedTensorType>(value.getType()).clone(shape);
  return qnn::ReshapeOp::create(builder, loc, type, value);
}

Value NodeImporter::transpose(Value value, ArrayRef<int64_t> permutation) {
  return emit<qnn::TransposeOp>(value, value ? elementOf(value) : Type(),
                                attr("permutation", permutation));
}

Value NodeImporter::stored(Value value) {
  if (!value)
    return {};
  auto type = dyn_cast<quant::QuantizedType>(elementOf(value));
  if (!type)
    return value;
  auto signedness = type.isSigned() ? IntegerType::Signless : IntegerType::Unsigned;
  auto tensor = cast<RankedTensorType>(value.getType())
                    .clone(IntegerType::get(builder.getContext(),
                                            type.getStorageTypeIntegralWidth(),
                                            signedness));
  return qnn::StorageCastOp::create(builder, loc, tensor, value);
}

Value NodeImporter::quantized(Value value, size_t i) {
  Type element = outputType(i);
  if (!value || elementOf(value) == element)
    return value;
  auto tensor = cast<RankedTensorType>(value.getType()).clone(element);
  return qnn::StorageCastOp::create(builder, loc, tensor, value);
}

FailureOr<Shape> NodeImporter::broadcast(ValueRange values) const {
  Shape result;
  for (Value value : values) {
    ArrayRef<int64_t> shape = shapeOf(value);
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t &extent = result[result.size() - 1 - i],
              mine = shape[shape.size() - 1 - i];
      if (extent != mine && extent != 1 && mine != 1)
        return emitError() << "expected shapes that broadcast, but got "
                           << toString(result) << " and " << toString(shape);
      extent = extent == 1 ? mine : extent;
    }
  }
  return result;
}

FailureOr<int64_t> NodeImporter::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return emitError() << "expected an axis of " << rank << " dimensions, but got "
                       << axis;
  return axis < 0 ? axis + rank : axis;
}

Value NodeImporter::activate(Value value, tflite::Activation activation) {
  if (!value)
    return {};
  auto clamp = [&](float min, float max) {
    return emit<qnn::ClampOp>(value, elementOf(value),
                              {floatAttr("min", min), floatAttr("max", max)});
  };
  switch (activation) {
  case tflite::Activation::NONE:
    return value;
  case tflite::Activation::RELU:
    return emit<qnn::ReluOp>(value, elementOf(value));
  case tflite::Activation::RELU_N1_TO_1:
    return clamp(-1, 1);
  case tflite::Activation::RELU6:
    return clamp(0, 6);
  case tflite::Activation::TANH:
    if (elementOf(value).isF32())
      return emit<qnn::TanhOp>(value, elementOf(value));
    break;
  default:
    break;
  }
  unsupported("fused activation " +
              Twine(static_cast<int>(activation)));
  return {};
}

NamedAttribute NodeImporter::attr(StringRef name, ArrayRef<int64_t> value) {
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(value));
}
NamedAttribute NodeImporter::attr(StringRef name, int64_t value) {
  return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
}
NamedAttribute NodeImporter::floatAttr(StringRef name, float value) {
  return builder.getNamedAttr(name, builder.getF32FloatAttr(value));
}
NamedAttribute NodeImporter::boolAttr(StringRef name, bool value) {
  return builder.getNamedAttr(name, builder.getBoolAttr(value));
}

} // namespace dyadic::tflite_import
