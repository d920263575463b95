//===- StridedTensor.h - tensors' elements at regular positions -*- C++ -*-===//
#ifndef DYADIC_SUPPORT_STRIDEDTENSOR_H
#define DYADIC_SUPPORT_STRIDEDTENSOR_H

#include "dyadic/Support/HostTensor.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyadic {

/// Calls `visit(position)` for each element of `shape` in row-major order,
/// where the position is `offset` + Σ index·strides.
void forEachPosition(llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<int64_t> strides, int64_t offset,
                     llvm::function_ref<void(int64_t)> visit);

/// The tensor of `shape` whose elements are those of `in` at
/// `offset` + Σ index·strides. The caller vouches for the positions.
HostTensor copyStrided(const HostTensor &in, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> strides, int64_t offset = 0);

/// Dimension `i` of the result is dimension `permutation[i]` of `in`.
HostTensor transpose(const HostTensor &in, llvm::ArrayRef<int64_t> permutation);

} // namespace dyadic

#endif
