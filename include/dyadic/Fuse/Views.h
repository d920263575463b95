//===- Views.h - results that lie inside of others --------------*- C++ -*-===//
#ifndef DYADIC_FUSE_VIEWS_H
#define DYADIC_FUSE_VIEWS_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyadic {

/// One value whose elements are some of another's: where the first of them is
/// among those, and every how many of its elements a step in each dimension is.
struct View {
  mlir::Value part, whole;
  llvm::SmallVector<int64_t> offsets, steps;
};

/// Whether the op makes nothing but another order of elements that are there, or of some of
/// them, with a border perhaps.
bool isMovement(mlir::Operation *op);

/// What it takes for operand `operand` of a kernel to be in place: the operand
/// of a concat or pad in the result, the result of a slice in the operand, and
/// the result of pointwise ops where one of their operands is. None where
/// nothing would make it so: an operand of another anchor or of a movement with
/// ops behind it, another shape or element size.
std::optional<View> viewOf(KernelOp kernel, unsigned operand);

/// Where each kernel result lies whose kernel, or one that reads it, is
/// `in_place`.
class Placement {
public:
  /// Follows `in_place` of all kernels of a function.
  explicit Placement(mlir::Block &block);

  struct Place {
    mlir::Value root; // a value that is part of no other
    int64_t offset;   // in elements of the root's memory
    Strides strides;
  };
  /// Of a kernel result, an argument or a constant; none where a reshape on the
  /// way can't read strided elements.
  std::optional<Place> of(mlir::Value value) const;

  /// The part of another that `value` is; null where it is none.
  const View *find(mlir::Value value) const;
  /// Adds or takes back a view; false where the part is one already.
  bool add(const View &view);
  void remove(const View &view);

private:
  llvm::DenseMap<mlir::Value, View> views; // by part
};

/// Calls `visit` for every op but reshapes that reads the bytes of `value`, and
/// with the operand that it reads.
void forEachReader(mlir::Value value,
                   llvm::function_ref<void(mlir::OpOperand &)> visit);

} // namespace dyadic

#endif
