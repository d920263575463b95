//===- NodeImporter.cpp ---------------------------------------------------===//
#include "NodeImporter.h"

#include "TensorReader.h"
#include "dyadic/Dialect/QNN/InferTypes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dyadic::onnx_import {

ArrayRef<int64_t> GraphValue::shape() const {
  return constant ? ArrayRef<int64_t>(constant->shape) : shapeOf(value);
}

Value NodeImporter::anyInput(size_t i) {
  if (!hasInput(i)) {
    emitError() << "input " << i << " is missing";
    return {};
  }
  GraphValue &source = *inputs[i];
  if (!source.value)
    source.value = constantTensor(*source.constant);
  return source.value;
}

Value NodeImporter::input(size_t i) {
  const HostTensor *known = constant(i);
  if (known && !isFloat(known->kind)) {
    emitError() << "expected input " << i << " to be float32, but got "
                << describe(*known);
    return {};
  }
  if (known && known->kind != ElementKind::F32)
    return constantTensor(toFloats(*known), known->shape);
  Value value = anyInput(i);
  if (value && isInteger(value)) {
    emitError() << "expected input " << i << " to be float32, but got "
                << elementOf(value);
    return {};
  }
  return cast(value, builder.getF32Type());
}

void NodeImporter::alignLegacyOperand() {
  // A slope for each channel is always the second dimension's.
  bool isSlope = getOpType() == "PRelu";
  if (getOpset() >= 7 || !(has("broadcast") || isSlope))
    return;
  bool broadcasts = getInt("broadcast", isSlope) != 0;
  if (!broadcasts || !(has("axis") || isSlope) || !hasInput(0) || !hasInput(1))
    return;
  int64_t axis = getInt("axis", isSlope);
  int64_t rank = inputs[0]->shape().size();
  Shape shape(inputs[1]->shape());
  int64_t behind = rank - axis - static_cast<int64_t>(shape.size());
  if (axis < 0 || behind <= 0)
    return;
  shape.append(behind, 1);
  aligned = *inputs[1];
  if (aligned.constant) {
    auto tensor = std::make_shared<HostTensor>(*aligned.constant);
    tensor->shape = shape;
    aligned = {std::move(tensor), {}, false};
  } else {
    aligned.value = reshape(aligned.value, shape);
  }
  alignedInputs.assign(inputs.begin(), inputs.end());
  alignedInputs[1] = &aligned;
  inputs = alignedInputs;
}

Value NodeImporter::number(size_t i) {
  Value value = anyInput(i);
  return value && !isInteger(value) ? input(i) : value;
}

bool isQuantizedConstant(Value value) {
  // A movement that Simplify will take into the constant may stand behind it.
  while (value && isa_and_nonnull<qnn::TransposeOp, qnn::ReshapeOp>(
                      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  auto dequantize = value ? value.getDefiningOp<qnn::DequantizeOp>()
                          : qnn::DequantizeOp();
  return dequantize && dequantize.getInput().getDefiningOp<qnn::ConstantOp>();
}

bool NodeImporter::isQuantizedConstant(size_t i) const {
  return hasInput(i) && inputs[i]->constant &&
         onnx_import::isQuantizedConstant(inputs[i]->value);
}

int32_t NodeImporter::dataType(size_t i) const {
  if (!hasInput(i))
    return onnx::TensorProto::UNDEFINED;
  if (inputs[i]->dataType)
    return inputs[i]->dataType;
  std::optional<ElementKind> kind;
  if (inputs[i]->constant)
    kind = inputs[i]->constant->kind;
  else if (inputs[i]->value)
    kind = elementKindOf(mlir::cast<RankedTensorType>(inputs[i]->value.getType())
                             .getElementType());
  return kind ? dataTypeOf(*kind) : onnx::TensorProto::UNDEFINED;
}

const HostTensor *NodeImporter::constant(size_t i) const {
  return hasInput(i) ? inputs[i]->constant.get() : nullptr;
}

LogicalResult NodeImporter::mustBeKnown(size_t i, const Twine &what) const {
  return reportMustBeKnown(*this, inputs[i], what);
}

FailureOr<float> NodeImporter::scalar(size_t i, StringRef what) {
  const HostTensor *tensor = constant(i);
  if (!tensor)
    return mustBeKnown(i, what);
  if (tensor->numElements() != 1)
    return emitError() << "expected " << what << " of one element, but got "
                       << describe(*tensor);
  return static_cast<float>(tensor->get(0));
}

FailureOr<Shape> NodeImporter::intsArgument(size_t index, StringRef name,
                                            int64_t since,
                                            ArrayRef<int64_t> fallback) {
  if (getOpset() < since)
    return getInts(name, fallback);
  if (!hasInput(index))
    return Shape(fallback);
  if (const HostTensor *tensor = constant(index))
    return Shape(toInts(*tensor));
  return mustBeKnown(index, "'" + name + "'");
}

LogicalResult NodeImporter::setOutput(size_t i, Value value) {
  if (!value)
    return failure();
  if (i < outputs.size())
    outputs[i] = value;
  return success();
}

LogicalResult NodeImporter::setOutput(HostTensor value) {
  known = std::make_shared<const HostTensor>(std::move(value));
  return success();
}

LogicalResult reportMustBeKnown(const Node &node,
                                ArrayRef<GraphValue *> values,
                                const Twine &what) {
  // Integers and lists of a few numbers are there to decide such things; what
  // is computed from an image isn't.
  llvm::SetVector<Value> slice;
  for (GraphValue *value : values)
    if (value && value->value && !value->constant)
      slice.insert(value->value);
  SmallVector<StringRef> names;
  for (size_t i = 0; i < slice.size(); ++i) {
    if (Operation *op = slice[i].getDefiningOp()) {
      slice.insert(op->operand_begin(), op->operand_end());
      continue;
    }
    auto argument = cast<BlockArgument>(slice[i]);
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = function ? function.getArgAttrOfType<StringAttr>(
                               argument.getArgNumber(), kNameAttr)
                         : StringAttr();
    bool decides = isInteger(argument) || shapeOf(argument).size() <= 1;
    if (!name || !decides)
      return node.unsupported(what + " that is computed at run time");
    names.push_back(name);
  }
  if (names.empty())
    return node.unsupported(what + " that is computed at run time");
  InFlightDiagnostic error = node.emitError();
  error << what << " must be known to the compiler: give ";
  llvm::interleaveComma(names, error, [&](StringRef name) {
    error << "--value " << name << "=…";
  });
  return failure();
}

Value NodeImporter::emit(StringRef opName, ValueRange operands,
                         ArrayRef<NamedAttribute> attributes) {
  if (!llvm::all_of(operands, [](Value operand) { return bool(operand); }))
    return {};
  OperationState state(getLoc(), OperationName(opName, builder.getContext()), operands,
                       TypeRange(), attributes);
  if (mlir::failed(qnn::inferTypes(state, [&] { return emitError(); })))
    return {};
  if (!checkResultShape(mlir::cast<ShapedType>(state.types.front()).getShape()))
    return {};
  return builder.create(state)->getResult(0);
}

bool NodeImporter::checkResultShape(ArrayRef<int64_t> shape) {
  if (countElements(shape))
    return true;
  emitError() << "result of shape " << toString(shape) << " has more than "
              << kMaxElements << " elements";
  return false;
}

Value NodeImporter::constantTensor(HostTensor tensor) {
  if (mlir::failed(reserve(tensor.bytes.size())))
    return {};
  RankedTensorType type = tensorTypeOf(tensor, builder.getContext());
  return qnn::ConstantOp::create(builder, getLoc(), type,
                                 makeConstant(std::move(tensor), type));
}

Value NodeImporter::constantTensor(ArrayRef<float> values,
                                   ArrayRef<int64_t> shape) {
  if (mlir::failed(checkAllowance(values.size(), sizeof(float))))
    return {};
  HostTensor tensor(ElementKind::F32, shape);
  llvm::copy(values, tensor.as<float>().begin());
  return constantTensor(std::move(tensor));
}

Value NodeImporter::filledTensor(int64_t count, float value) {
  if (mlir::failed(checkAllowance(count, sizeof(float))))
    return {};
  return constantTensor(SmallVector<float>(count, value), {count});
}

Value NodeImporter::asQuantized(Value value) {
  auto integer = value ? mlir::dyn_cast<IntegerType>(
                             mlir::cast<RankedTensorType>(value.getType()).getElementType())
                       : IntegerType();
  if (!integer || integer.getWidth() != 8)
    return value;
  if (auto border = value.getDefiningOp<qnn::StorageCastOp>())
    return border.getInput();
  bool isSigned = !integer.isUnsigned();
  return emitAs<qnn::StorageCastOp>(
      quant::UniformQuantizedType::get(
          isSigned ? quant::QuantizationFlags::Signed : 0, builder.getI8Type(),
          builder.getF32Type(), 1.0, 0, isSigned ? -128 : 0,
          isSigned ? 127 : 255),
      value);
}

Value NodeImporter::asStored(Value value) {
  auto type = value ? mlir::dyn_cast<quant::QuantizedType>(
                          mlir::cast<RankedTensorType>(value.getType()).getElementType())
                    : quant::QuantizedType();
  if (!type)
    return value;
  return emitAs<qnn::StorageCastOp>(
      IntegerType::get(builder.getContext(), type.getStorageTypeIntegralWidth(),
                       type.isSigned() ? IntegerType::Signless
                                       : IntegerType::Unsigned),
      value);
}

Value NodeImporter::quantizedConstant(HostTensor tensor,
                                      quant::QuantizedType type) {
  if (tensor.numElements() == 0)
    return constantTensor(std::move(tensor)); // reports it
  auto result = RankedTensorType::get(tensor.shape, type);
  return qnn::ConstantOp::create(builder, getLoc(), result,
                                 makeConstant(std::move(tensor),
                                              builder.getContext()));
}

Value NodeImporter::reshape(Value value, ArrayRef<int64_t> shape) {
  if (!value || shapeOf(value) == shape)
    return value;
  if (countElements(shape) != countElements(shapeOf(value))) {
    emitError() << "cannot reshape " << toString(shapeOf(value)) << " to "
                << toString(shape);
    return {};
  }
  auto type = mlir::cast<RankedTensorType>(value.getType()).clone(shape);
  return qnn::ReshapeOp::create(builder, getLoc(), type, value);
}

Value NodeImporter::transpose(Value value, ArrayRef<int64_t> permutation) {
  return emit<qnn::TransposeOp>(value, attr("permutation", permutation));
}

Value NodeImporter::toChannelsLast(Value value) {
  return transpose(value, {0, 2, 3, 1});
}

Value NodeImporter::toChannelsFirst(Value value) {
  return transpose(value, {0, 3, 1, 2});
}

Value NodeImporter::slice(Value value, ArrayRef<int64_t> offsets,
                          ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides) {
  if (value && shapeOf(value) == sizes)
    return value;
  // Nothing of a tensor is known whatever the tensor is.
  if (value && llvm::is_contained(sizes, 0))
    if (auto kind = elementKindOf(elementOf(value)))
      return constantTensor(HostTensor(*kind, sizes));
  return emit<qnn::SliceOp>(value,
                            {attr("offsets", offsets), attr("sizes", sizes),
                             attr("strides", strides)});
}

Value NodeImporter::concat(ValueRange values, int64_t axis) {
  if (values.size() == 1)
    return values.front();
  return emit<qnn::ConcatOp>(values, attr("axis", axis));
}

static bool areKnown(ValueRange values) {
  return llvm::all_of(values, [](Value value) { return bool(value); });
}

SmallVector<Value> NodeImporter::compute(TypeRange results, ValueRange operands,
                                         qnn::ComputeBody body) {
  SmallVector<Value> values(results.size());
  if (!areKnown(operands))
    return values;
  for (Type type : results)
    if (ArrayRef<int64_t> shape = mlir::cast<RankedTensorType>(type).getShape();
        !countElements(shape)) {
      emitError() << "result of shape " << toString(shape) << " has more than "
                  << kMaxElements << " elements";
      return values;
    }
  auto op = qnn::buildCompute(builder, getLoc(), getOpType(), results, operands,
                              body);
  return SmallVector<Value>(op.getResults());
}

Value NodeImporter::elementwise(Type element, ValueRange operands,
                                qnn::ScalarBody body) {
  if (!areKnown(operands))
    return {};
  Shape shape;
  for (Value operand : operands) {
    auto both = broadcast(shape, shapeOf(operand));
    if (!both || !countElements(*both)) {
      emitError() << "operands of shapes " << toString(shape) << " and "
                  << toString(shapeOf(operand)) << " do not go together";
      return {};
    }
    shape = *both;
  }
  return qnn::buildElementwise(builder, getLoc(), getOpType(),
                               RankedTensorType::get(shape, element), operands,
                               body);
}

Value NodeImporter::indexed(RankedTensorType result, ValueRange operands,
                            qnn::IndexedBody body) {
  if (!areKnown(operands))
    return {};
  if (!countElements(result.getShape())) {
    emitError() << "result of shape " << toString(result.getShape())
                << " has more than " << kMaxElements << " elements";
    return {};
  }
  return qnn::buildIndexed(builder, getLoc(), getOpType(), result, operands,
                           body);
}

Value NodeImporter::copied(Value constant) {
  return constant ? elementwise(elementOf(constant), constant,
                                [](OpBuilder &, Location, ValueRange scalars) {
                                  return scalars.front();
                                })
                  : Value();
}

Value NodeImporter::cast(Value value, Type element) {
  if (!value || elementOf(value) == element)
    return value;
  // An op that goes into the kernel of what reads it.
  if (element.isF32() && qnn::CastOp::takes(elementOf(value)))
    return emit<qnn::CastOp>(value);
  return qnn::buildCast(builder, getLoc(), value, element);
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

} // namespace dyadic::onnx_import
