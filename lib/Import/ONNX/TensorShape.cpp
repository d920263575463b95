//===- TensorShape.cpp ----------------------------------------------------===//
#include "TensorShape.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace dyadic::onnx_import {

std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape,
                                     int64_t limit) {
  // Zeros are left out of the product that is checked, so that strides and
  // partial products of an empty tensor can't overflow either.
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0 || extent > limit / count)
      return std::nullopt;
    count *= std::max<int64_t>(extent, 1);
  }
  return llvm::is_contained(shape, 0) ? 0 : count;
}

std::string toString(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}

Shape stridesOf(llvm::ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

std::optional<Shape> broadcast(llvm::ArrayRef<int64_t> a,
                               llvm::ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Shape result(a);
  size_t shift = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &extent = result[shift + i];
    if (extent == 1)
      extent = b[i];
    else if (b[i] != 1 && b[i] != extent)
      return std::nullopt;
  }
  return result;
}

Shape broadcastStrides(llvm::ArrayRef<int64_t> from,
                       llvm::ArrayRef<int64_t> to) {
  Shape own = stridesOf(from);
  Shape strides(to.size(), 0);
  size_t shift = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1)
      strides[shift + i] = own[i];
  return strides;
}

bool isPermutation(llvm::ArrayRef<int64_t> permutation, int64_t rank) {
  if (static_cast<int64_t>(permutation.size()) != rank)
    return false;
  llvm::SmallVector<bool> seen(rank, false);
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= rank || seen[dim])
      return false;
    seen[dim] = true;
  }
  return true;
}

/// A double as an integer, saturating: a C cast of a large one is undefined.
static int64_t truncateToInt(double value) {
  if (!(value == value))
    return 0;
  if (value >= 9.2233720368547758e18)
    return INT64_MAX;
  if (value <= -9.2233720368547758e18)
    return INT64_MIN;
  return static_cast<int64_t>(value);
}

int64_t getInt(const HostTensor &tensor, int64_t i) {
  const char *bytes = tensor.bytes.data();
  switch (tensor.kind) {
  case ElementKind::Bool:
  case ElementKind::U8:
    return reinterpret_cast<const uint8_t *>(bytes)[i];
  case ElementKind::I8:
    return reinterpret_cast<const int8_t *>(bytes)[i];
  case ElementKind::I16:
    return reinterpret_cast<const int16_t *>(bytes)[i];
  case ElementKind::I32:
    return reinterpret_cast<const int32_t *>(bytes)[i];
  case ElementKind::I64:
  case ElementKind::U64:
    return reinterpret_cast<const int64_t *>(bytes)[i];
  case ElementKind::U16:
    return reinterpret_cast<const uint16_t *>(bytes)[i];
  case ElementKind::U32:
    return reinterpret_cast<const uint32_t *>(bytes)[i];
  default:
    return truncateToInt(tensor.get(i));
  }
}

void setInt(HostTensor &tensor, int64_t i, int64_t value) {
  char *bytes = tensor.bytes.data();
  switch (tensor.kind) {
  case ElementKind::Bool:
    reinterpret_cast<uint8_t *>(bytes)[i] = value != 0;
    break;
  case ElementKind::U8:
  case ElementKind::I8:
    reinterpret_cast<uint8_t *>(bytes)[i] = static_cast<uint8_t>(value);
    break;
  case ElementKind::I16:
  case ElementKind::U16:
    reinterpret_cast<uint16_t *>(bytes)[i] = static_cast<uint16_t>(value);
    break;
  case ElementKind::I32:
  case ElementKind::U32:
    reinterpret_cast<uint32_t *>(bytes)[i] = static_cast<uint32_t>(value);
    break;
  case ElementKind::I64:
  case ElementKind::U64:
    reinterpret_cast<int64_t *>(bytes)[i] = value;
    break;
  default:
    tensor.set(i, static_cast<double>(value));
  }
}

llvm::SmallVector<int64_t> toInts(const HostTensor &tensor) {
  llvm::SmallVector<int64_t> values;
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i)
    values.push_back(getInt(tensor, i));
  return values;
}

llvm::SmallVector<float> toFloats(const HostTensor &tensor) {
  llvm::SmallVector<float> values;
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i)
    values.push_back(static_cast<float>(tensor.get(i)));
  return values;
}

HostTensor makeInts(llvm::ArrayRef<int64_t> values) {
  HostTensor tensor(ElementKind::I64, {static_cast<int64_t>(values.size())});
  for (auto [i, value] : llvm::enumerate(values))
    setInt(tensor, i, value);
  return tensor;
}

std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

} // namespace dyadic::onnx_import
