//===- Tensors.h - indexing and element access for the models ---*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_TENSORS_H
#define DYADIC_LIB_REFERENCE_TENSORS_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinTypes.h"

namespace dyadic::reference {

using Operands = llvm::ArrayRef<const HostTensor *>;
using Shape = llvm::SmallVector<int64_t>;

/// Elements between neighbours along each dimension of a row-major tensor.
Shape rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// The strides that read a tensor of `shape` as if it were broadcast to
/// `target` the way NumPy does: zero where an extent of one is repeated.
Shape broadcastStrides(llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> target);

/// Calls fn(Σ index·a, Σ index·b) for every index of `shape` in row-major
/// order.
template <typename Fn>
void walk(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> a,
          llvm::ArrayRef<int64_t> b, Fn fn) {
  for (int64_t extent : shape)
    if (extent == 0)
      return;
  if (shape.empty()) {
    fn(0, 0);
    return;
  }
  size_t last = shape.size() - 1;
  Shape index(shape.size(), 0);
  int64_t offsetA = 0, offsetB = 0;
  while (true) {
    for (int64_t i = 0; i < shape[last]; ++i)
      fn(offsetA + i * a[last], offsetB + i * b[last]);
    // Carry into the dimensions before the last.
    size_t d = last;
    while (true) {
      if (d == 0)
        return;
      --d;
      offsetA += a[d];
      offsetB += b[d];
      if (++index[d] < shape[d])
        break;
      offsetA -= a[d] * shape[d];
      offsetB -= b[d] * shape[d];
      index[d] = 0;
    }
  }
}

/// Zeros of the shape and element kind of a result type.
HostTensor makeResult(mlir::Type type);

/// The elements as f32 in the broadcast shape `target`.
std::vector<float> broadcastFloats(const HostTensor &tensor,
                                   llvm::ArrayRef<int64_t> target);

/// The elements of an integer tensor as i32, in the broadcast shape `target`.
std::vector<int32_t> broadcastIntegers(const HostTensor &tensor,
                                       llvm::ArrayRef<int64_t> target);
/// The elements of an integer tensor as i32.
std::vector<int32_t> integers(const HostTensor &tensor);

/// Calls `fn` with the elements of a tensor of at most 32-bit integers, in their own type.
template <typename Tensor, typename Fn> auto withIntegers(Tensor &tensor, Fn fn) {
  switch (tensor.kind) {
  case ElementKind::U8:
    return fn(tensor.template as<uint8_t>());
  case ElementKind::I8:
    return fn(tensor.template as<int8_t>());
  case ElementKind::I16:
    return fn(tensor.template as<int16_t>());
  default:
    return fn(tensor.template as<int32_t>());
  }
}

/// Writes integers that are in the range of the tensor's element kind.
void store(HostTensor &tensor, llvm::ArrayRef<int32_t> values);

/// The low 32 bits: sums that the accumulator bounds admit are unchanged.
inline int32_t wrap(int64_t x) {
  return static_cast<int32_t>(static_cast<uint32_t>(x));
}

} // namespace dyadic::reference

#endif
