//===- LoopNests.h - loops over tensors in a body -------------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_LOOPNESTS_H
#define DYADIC_LIB_IMPORT_ONNX_LOOPNESTS_H

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

namespace dyadic::onnx_import {

/// Values carried from one iteration to the next: tensors that are written to,
/// scalars.
using Carried = llvm::SmallVector<mlir::Value>;

/// for (i = 0; i < count; ++i)
Carried emitLoop(mlir::OpBuilder &b, mlir::Location loc, int64_t count,
                 Carried initial,
                 llvm::function_ref<Carried(mlir::OpBuilder &, mlir::Location,
                                            mlir::Value i, mlir::ValueRange)>
                     body);

/// A loop for each extent of `shape`, the first one outermost.
Carried emitLoops(mlir::OpBuilder &b, mlir::Location loc,
                  llvm::ArrayRef<int64_t> shape, Carried initial,
                  llvm::function_ref<Carried(mlir::OpBuilder &, mlir::Location,
                                             mlir::ValueRange indices,
                                             mlir::ValueRange)>
                      body);

/// The element of `indices`, whose elements outside are of type `element`, at
/// `position` as an index into an extent: one below zero counts from the end, one
/// that is still out of range means the nearest element.
mlir::Value loadIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::Value indices,
                      mlir::ValueRange position, mlir::Type element,
                      int64_t extent);

/// A new tensor like `tensor`, to be written to.
mlir::Value emptyLike(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);
mlir::Value copyOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);

} // namespace dyadic::onnx_import

#endif
