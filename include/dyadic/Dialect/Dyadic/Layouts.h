//===- Layouts.h - where the elements of a tensor lie -----------*- C++ -*-===//
//
// A tensor between kernels is row-major in bytes of its own, or strided: its
// kernel's `layouts` says so, when it was written into the interior of a padded
// tensor or into a slot of a concatenation. Strides are in elements.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DIALECT_DYADIC_LAYOUTS_H
#define DYADIC_DIALECT_DYADIC_LAYOUTS_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace dyadic {

using Strides = llvm::SmallVector<int64_t>;

/// Row-major strides.
Strides stridesOf(llvm::ArrayRef<int64_t> shape);

/// Whether the elements lie one behind the other in row-major order. Strides of
/// dimensions of one element don't matter.
bool isContiguous(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides);

/// The number of elements from the first to the last, what lies between
/// included.
int64_t spanOf(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides);

/// The strides with which `to` reads the same elements in the same order; none
/// where no strides do.
std::optional<Strides> reshapeStrides(llvm::ArrayRef<int64_t> from,
                                      llvm::ArrayRef<int64_t> strides,
                                      llvm::ArrayRef<int64_t> to);

/// The value whose bytes `value` is: reshapes are gone through.
mlir::Value stripReshapes(mlir::Value value);

/// The strides of a value of a level-4 function: row-major, or as the `layouts`
/// of its kernel say.
Strides memoryStrides(mlir::Value value);

} // namespace dyadic

#endif
