//===- Trim.h - loops that end where a length does --------------*- C++ -*-===//
//
// Loops run over the extents of the longest; iterations that only compute what
// lies behind the actual end do nothing. What an iteration computes beside that
// is in memory of its own, and nobody reads it.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_TRIM_H
#define DYADIC_LIB_CODEGEN_TRIM_H

#include "KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace dyadic::codegen {

/// `body` where `at` is below `limit`; always without a limit.
inline void ifBelow(KernelBuilder &k, mlir::Value at, mlir::Value limit,
                    llvm::function_ref<void()> body) {
  if (!limit)
    return body();
  mlir::Value isInside = mlir::arith::CmpIOp::create(
      k.b, k.loc, mlir::arith::CmpIPredicate::ult, at, limit);
  auto branch = mlir::scf::IfOp::create(k.b, k.loc, isInside,
                                        /*withElseRegion=*/false);
  mlir::OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(branch.thenBlock());
  body();
}

/// The extent of a dimension where it varies, else null.
inline mlir::Value limitOf(KernelBuilder &k, mlir::Value tensor, int64_t dim) {
  return k.isDynamic(tensor, dim) ? k.extent(tensor, dim) : mlir::Value();
}

/// How many of a tensor's rows, counted in row-major order over all dimensions but
/// the last `inner`, end before the actual end; null where all do, or where those
/// behind it lie between others.
inline mlir::Value limitOfRows(KernelBuilder &k, mlir::Value tensor,
                               unsigned inner = 1) {
  auto shape = llvm::cast<mlir::RankedTensorType>(tensor.getType()).getShape();
  auto outer = shape.drop_back(inner);
  for (size_t dim = 0; dim < outer.size(); ++dim) {
    if (k.isDynamic(tensor, dim))
      return k.mul(k.extent(tensor, dim),
                   mlir::ShapedType::getNumElements(outer.drop_front(dim + 1)));
    if (outer[dim] != 1)
      break;
  }
  return {};
}

} // namespace dyadic::codegen

#endif
