//===- Tensors.cpp --------------------------------------------------------===//
#include "Tensors.h"

#include "dyadic/Support/ConstantData.h"

using namespace llvm;
using namespace dyadic;
using namespace dyadic::reference;

Shape reference::rowMajorStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

Shape reference::broadcastStrides(ArrayRef<int64_t> shape,
                                  ArrayRef<int64_t> target) {
  Shape own = rowMajorStrides(shape), strides(target.size(), 0);
  size_t missing = target.size() - shape.size();
  for (size_t d = 0; d < shape.size(); ++d)
    strides[missing + d] = shape[d] == 1 ? 0 : own[d];
  return strides;
}

HostTensor reference::makeResult(mlir::Type type) {
  auto tensorType = mlir::cast<mlir::RankedTensorType>(type);
  // The dialects' type constraints admit only element types that have a kind.
  return HostTensor(*elementKindOf(tensorType.getElementType()),
                    tensorType.getShape());
}

template <typename To, typename From>
static std::vector<To> broadcast(const HostTensor &tensor,
                                 ArrayRef<int64_t> target) {
  ArrayRef<From> from = tensor.as<From>();
  if (ArrayRef(tensor.shape) == target)
    return {from.begin(), from.end()};
  int64_t count = 1;
  for (int64_t extent : target)
    count *= extent;
  std::vector<To> to(count);
  walk(target, broadcastStrides(tensor.shape, target), rowMajorStrides(target),
       [&](int64_t source, int64_t i) { to[i] = from[source]; });
  return to;
}

std::vector<float> reference::broadcastFloats(const HostTensor &tensor,
                                              ArrayRef<int64_t> target) {
  return broadcast<float, float>(tensor, target);
}

std::vector<int32_t> reference::broadcastIntegers(const HostTensor &tensor,
                                                  ArrayRef<int64_t> target) {
  switch (tensor.kind) {
  case ElementKind::U8:
    return broadcast<int32_t, uint8_t>(tensor, target);
  case ElementKind::I8:
    return broadcast<int32_t, int8_t>(tensor, target);
  case ElementKind::I16:
    return broadcast<int32_t, int16_t>(tensor, target);
  default:
    return broadcast<int32_t, int32_t>(tensor, target);
  }
}

std::vector<int32_t> reference::integers(const HostTensor &tensor) {
  return broadcastIntegers(tensor, tensor.shape);
}

void reference::store(HostTensor &tensor, ArrayRef<int32_t> values) {
  switch (tensor.kind) {
  case ElementKind::U8:
    llvm::copy(values, tensor.as<uint8_t>().begin());
    break;
  case ElementKind::I8:
    llvm::copy(values, tensor.as<int8_t>().begin());
    break;
  case ElementKind::I16:
    llvm::copy(values, tensor.as<int16_t>().begin());
    break;
  default:
    llvm::copy(values, tensor.as<int32_t>().begin());
    break;
  }
}
