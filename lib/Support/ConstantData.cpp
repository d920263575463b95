//===- ConstantData.cpp ---------------------------------------------------===//
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace dyadic {

static Type elementType(ElementKind kind, MLIRContext *context) {
  switch (kind) {
  case ElementKind::Bool:
    return IntegerType::get(context, 1);
  case ElementKind::U8:
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  case ElementKind::F32:
    return Float32Type::get(context);
  case ElementKind::F64:
    return Float64Type::get(context);
  default:
    return IntegerType::get(context, byteWidth(kind) * 8);
  }
}

RankedTensorType tensorTypeOf(const HostTensor &tensor, MLIRContext *context) {
  return RankedTensorType::get(tensor.shape, elementType(tensor.kind, context));
}

std::optional<ElementKind> elementKindOf(Type type) {
  if (auto quantized = dyn_cast<quant::QuantizedType>(type)) {
    if (quantized.getStorageTypeIntegralWidth() == 8 && !quantized.isSigned())
      return ElementKind::U8;
    type = quantized.getStorageType();
  }
  if (type.isF32())
    return ElementKind::F32;
  if (type.isF64())
    return ElementKind::F64;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return ElementKind::Bool;
  case 8:
    return integer.isUnsigned() ? ElementKind::U8 : ElementKind::I8;
  case 16:
    return ElementKind::I16;
  case 32:
    return ElementKind::I32;
  case 64:
    return ElementKind::I64;
  default:
    return std::nullopt;
  }
}

ElementsAttr makeConstant(HostTensor tensor, RankedTensorType type) {
  ArrayRef<char> bytes(tensor.bytes);
  // i1 is bit-packed in DenseElementsAttr, so booleans go the resource way.
  if (bytes.size() <= kInlineConstantBytes && tensor.kind != ElementKind::Bool)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  auto *owned = new std::vector<char>(std::move(tensor.bytes));
  AsmResourceBlob blob(
      ArrayRef<char>(*owned), /*dataAlignment=*/alignof(std::max_align_t),
      [owned](void *, size_t, size_t) { delete owned; },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, "constant", std::move(blob));
}

ElementsAttr makeConstant(HostTensor tensor, MLIRContext *context) {
  RankedTensorType type = tensorTypeOf(tensor, context);
  return makeConstant(std::move(tensor), type);
}

/// The bytes behind an attribute and whether they are one element for all.
static FailureOr<std::pair<ArrayRef<char>, bool>> rawBytes(Attribute attribute) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return std::make_pair(dense.getRawData(), dense.isSplat());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return std::make_pair(blob->getData(), false);
  return failure();
}

FailureOr<HostTensor> readConstant(Attribute attribute) {
  auto elements = dyn_cast_or_null<ElementsAttr>(attribute);
  if (!elements)
    return failure();
  auto kind = elementKindOf(elements.getElementType());
  auto raw = rawBytes(attribute);
  if (!kind || failed(raw))
    return failure();
  auto type = cast<ShapedType>(elements.getType());
  HostTensor tensor;
  tensor.kind = *kind;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  int64_t size = type.getNumElements() * byteWidth(*kind);
  auto [bytes, isSplat] = *raw;
  if (!isSplat) {
    if (static_cast<int64_t>(bytes.size()) != size)
      return failure();
    tensor.bytes.assign(bytes.begin(), bytes.end());
    return tensor;
  }
  tensor.bytes.reserve(size);
  while (static_cast<int64_t>(tensor.bytes.size()) < size)
    tensor.bytes.insert(tensor.bytes.end(), bytes.begin(), bytes.end());
  return tensor;
}

FailureOr<HostTensor> readConstant(Value value) {
  Attribute attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return failure();
  return readConstant(attribute);
}

template <typename T>
FailureOr<ArrayRef<T>> viewConstant(Attribute attribute,
                                    std::vector<T> &storage) {
  auto elements = dyn_cast_or_null<ElementsAttr>(attribute);
  if (!elements || elementKindOf(elements.getElementType()) != elementKindOf<T>())
    return failure();
  auto raw = rawBytes(attribute);
  if (failed(raw))
    return failure();
  auto [bytes, isSplat] = *raw;
  int64_t count = cast<ShapedType>(elements.getType()).getNumElements();
  if (isSplat) {
    storage.assign(count, *reinterpret_cast<const T *>(bytes.data()));
    return ArrayRef<T>(storage);
  }
  if (static_cast<int64_t>(bytes.size()) != count * int64_t(sizeof(T)))
    return failure();
  return ArrayRef<T>(reinterpret_cast<const T *>(bytes.data()), count);
}

template FailureOr<ArrayRef<float>> viewConstant(Attribute, std::vector<float> &);
template FailureOr<ArrayRef<int8_t>> viewConstant(Attribute, std::vector<int8_t> &);
template FailureOr<ArrayRef<uint8_t>> viewConstant(Attribute, std::vector<uint8_t> &);
template FailureOr<ArrayRef<int32_t>> viewConstant(Attribute, std::vector<int32_t> &);

} // namespace dyadic
