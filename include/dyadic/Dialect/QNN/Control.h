//===- Control.h - ops whose regions are run or not -------------*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_CONTROL_H
#define DYADIC_DIALECT_QNN_CONTROL_H

#include "dyadic/Dialect/QNN/QNN.h"

#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNControlOps.h.inc"

namespace dyadic::qnn {

/// Whether `op` decides at run time which of its regions are run, or how often.
bool isControl(mlir::Operation *op);

/// Calls `visit` with `block` and the blocks of the control ops in it, those in
/// turn included.
void forEachBlock(mlir::Block &block,
                  llvm::function_ref<void(mlir::Block &)> visit);

} // namespace dyadic::qnn

#endif
