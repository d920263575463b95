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
static std::vector<To> broadcast(ArrayRef<From> from, ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> target) {
  if (shape == target)
    return {from.begin(), from.end()};
  int64_t count = 1;
  for (int64_t extent : target)
    count *= extent;
  std::vector<To> to(count);
  walk(target, broadcastStrides(shape, target), rowMajorStrides(target),
       [&](int64_t source, int64_t i) { to[i] = from[source]; });
  return to;
}

std::vector<float> reference::broadcastFloats(const HostTensor &tensor,
                                              ArrayRef<int64_t> target) {
  return broadcast<float>(tensor.as<float>(), tensor.shape, target);
}

std::vector<int32_t> reference::broadcastIntegers(const HostTensor &tensor,
                                                  ArrayRef<int64_t> target) {
  return withIntegers(tensor, [&](auto values) {
    return broadcast<int32_t>(values, tensor.shape, target);
  });
}

std::vector<int32_t> reference::integers(const HostTensor &tensor) {
  return broadcastIntegers(tensor, tensor.shape);
}

void reference::store(HostTensor &tensor, ArrayRef<int32_t> values) {
  withIntegers(tensor, [&](auto to) { llvm::copy(values, to.begin()); });
}
