//===- AlignedBytes.h - bytes that compiled code reads in place -*- C++ -*-===//
#ifndef DYADIC_SUPPORT_ALIGNEDBYTES_H
#define DYADIC_SUPPORT_ALIGNEDBYTES_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"

#include <new>
#include <vector>

namespace dyadic {

/// Allocates on the bounds that vectors of all targets have.
template <typename T> struct VectorAllocator {
  static constexpr std::align_val_t kAlignment{64};
  using value_type = T;

  VectorAllocator() = default;
  template <typename U> VectorAllocator(const VectorAllocator<U> &) {}
  T *allocate(size_t count) {
    return static_cast<T *>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T *memory, size_t) { ::operator delete(memory, kAlignment); }
  bool operator==(const VectorAllocator &) const { return true; }
  bool operator!=(const VectorAllocator &) const { return false; }
};

using AlignedBytes = std::vector<char, VectorAllocator<char>>;

/// A constant of i8 that takes over `bytes`, one or more.
mlir::ElementsAttr makeConstant(AlignedBytes bytes, mlir::MLIRContext *context);

} // namespace dyadic

#endif
