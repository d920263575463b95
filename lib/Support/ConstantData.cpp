//===- ConstantData.cpp ---------------------------------------------------===//
#include "dyadic/Support/ConstantData.h"

#include "dyadic/Support/AlignedBytes.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace dyadic {

Type elementTypeOf(ElementKind kind, MLIRContext *context) {
  switch (kind) {
  case ElementKind::Bool:
    return IntegerType::get(context, 1);
  case ElementKind::U8:
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  case ElementKind::F32:
    return Float32Type::get(context);
  case ElementKind::F64:
    return Float64Type::get(context);
  case ElementKind::F16:
    return Float16Type::get(context);
  case ElementKind::BF16:
    return BFloat16Type::get(context);
  case ElementKind::U16:
  case ElementKind::U32:
  case ElementKind::U64:
    return IntegerType::get(context, byteWidth(kind) * 8, IntegerType::Unsigned);
  default:
    return IntegerType::get(context, byteWidth(kind) * 8);
  }
}

RankedTensorType tensorTypeOf(const HostTensor &tensor, MLIRContext *context) {
  return RankedTensorType::get(tensor.shape, elementTypeOf(tensor.kind, context));
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
  if (type.isF16())
    return ElementKind::F16;
  if (type.isBF16())
    return ElementKind::BF16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return ElementKind::Bool;
  case 4:
  case 8:
    return integer.isUnsigned() ? ElementKind::U8 : ElementKind::I8;
  case 16:
    return integer.isUnsigned() ? ElementKind::U16 : ElementKind::I16;
  case 32:
    return integer.isUnsigned() ? ElementKind::U32 : ElementKind::I32;
  case 64:
    return integer.isUnsigned() ? ElementKind::U64 : ElementKind::I64;
  default:
    return std::nullopt;
  }
}

Type memoryElementType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return type;
  unsigned width = integer.getWidth() == 1 ? 8 : integer.getWidth();
  return IntegerType::get(type.getContext(), width);
}

template <typename Bytes>
static ElementsAttr makeResource(Bytes bytes, RankedTensorType type) {
  auto *owned = new Bytes(std::move(bytes));
  AsmResourceBlob blob(
      ArrayRef<char>(*owned), /*dataAlignment=*/alignof(std::max_align_t),
      [owned](void *, size_t, size_t) { delete owned; },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, "constant", std::move(blob));
}

/// Whether a constant's elements are i4: a byte each in a DenseElementsAttr,
/// whose upper half is zero, and two a byte, the first one low, in a resource.
static bool isNibbles(Type type) {
  return cast<ShapedType>(type).getElementType().isInteger(4);
}

static std::vector<char> packNibbles(ArrayRef<char> values) {
  std::vector<char> packed((values.size() + 1) / 2);
  for (auto [i, value] : llvm::enumerate(values))
    packed[i / 2] |= (value & 15) << (i % 2 ? 4 : 0);
  return packed;
}

/// The sign-extended low half of a byte.
static char extendNibble(unsigned byte) {
  return static_cast<char>(static_cast<int>((byte & 15) ^ 8) - 8);
}

ElementsAttr makeConstant(HostTensor tensor, RankedTensorType type) {
  if (isNibbles(type)) {
    if (tensor.bytes.size() > kInlineConstantBytes)
      tensor.bytes = packNibbles(tensor.bytes);
    else
      for (char &value : tensor.bytes)
        value &= 15;
    if (tensor.numElements() <= kInlineConstantBytes)
      return DenseElementsAttr::getFromRawBuffer(type, tensor.bytes);
    return makeResource(std::move(tensor.bytes), type);
  }
  ArrayRef<char> bytes(tensor.bytes);
  // i1 is bit-packed in DenseElementsAttr, so booleans go the resource way.
  if (bytes.size() <= kInlineConstantBytes && tensor.kind != ElementKind::Bool)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return makeResource(std::move(tensor.bytes), type);
}

ElementsAttr makeConstant(AlignedBytes bytes, MLIRContext *context) {
  auto type = RankedTensorType::get(bytes.size(), IntegerType::get(context, 8));
  if (bytes.size() <= kInlineConstantBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return makeResource(std::move(bytes), type);
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

/// Fills `tensor` with what `elements` give one by one.
template <typename T>
static FailureOr<HostTensor> decodeInto(ElementsAttr elements, HostTensor tensor) {
  auto decoded = elements.tryGetValues<T>();
  if (!decoded)
    return failure();
  tensor.bytes.resize(tensor.numElements() * sizeof(T));
  llvm::copy(*decoded, tensor.as<T>().begin());
  return tensor;
}

FailureOr<HostTensor> readConstant(Attribute attribute) {
  auto elements = dyn_cast_or_null<ElementsAttr>(attribute);
  if (!elements)
    return failure();
  auto kind = elementKindOf(elements.getElementType());
  if (!kind)
    return failure();
  auto type = cast<ShapedType>(elements.getType());
  HostTensor tensor;
  tensor.kind = *kind;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  auto raw = rawBytes(attribute);
  if (failed(raw)) {
    // Stored in a form of its own.
    if (*kind == ElementKind::F32)
      return decodeInto<float>(elements, std::move(tensor));
    if (*kind == ElementKind::I8)
      return decodeInto<int8_t>(elements, std::move(tensor));
    return failure();
  }
  int64_t size = type.getNumElements() * byteWidth(*kind);
  auto [bytes, isSplat] = *raw;
  if (isNibbles(type)) {
    bool packed = isa<DenseResourceElementsAttr>(attribute);
    if (packed && static_cast<int64_t>(bytes.size()) != (size + 1) / 2)
      return failure();
    tensor.bytes.resize(size);
    for (int64_t i = 0; i < size; ++i)
      tensor.bytes[i] =
          packed    ? extendNibble(uint8_t(bytes[i / 2]) >> (i % 2 ? 4 : 0))
                    : extendNibble(bytes[isSplat ? 0 : i]);
    return tensor;
  }
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
  if (failed(raw)) {
    FailureOr<HostTensor> tensor = readConstant(attribute);
    if (failed(tensor))
      return failure();
    storage.assign(tensor->as<T>().begin(), tensor->as<T>().end());
    return ArrayRef<T>(storage);
  }
  auto [bytes, isSplat] = *raw;
  int64_t count = cast<ShapedType>(elements.getType()).getNumElements();
  if (isNibbles(elements.getType())) {
    FailureOr<HostTensor> tensor = readConstant(attribute);
    if (failed(tensor))
      return failure();
    storage.assign(tensor->bytes.begin(), tensor->bytes.end());
    return ArrayRef<T>(storage);
  }
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
