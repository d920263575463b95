//===- Interpreter.h - runs a function on tensors in memory -----*- C++ -*-===//
//
// The oracle for folding, calibration checks, fuzzing and every target: what
// compiled code computes must be what this computes, to the bit where the
// tensors are integers (docs/Spec.md).
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_REFERENCE_INTERPRETER_H
#define DYADIC_REFERENCE_INTERPRETER_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OpDefinition.h"

#include "dyadic/Reference/ReferenceInterfaces.h.inc"

namespace dyadic {

/// Attaches ReferenceOpInterface to the ops of both dialects, to quant.qcast,
/// quant.dcast and arith.constant, as their dialects are loaded.
void registerReferenceModels(mlir::DialectRegistry &registry);

/// The value of each result of `op`. Tensors of `!quant.uniform` hold storage
/// values. A located error when the op has no model or an operand isn't of the
/// shape and element kind of its type.
mlir::LogicalResult interpretOp(mlir::Operation *op,
                                llvm::ArrayRef<const HostTensor *> operands,
                                llvm::SmallVectorImpl<HostTensor> &results);

/// Called with each value as it becomes known.
using ValueObserver = llvm::function_ref<void(mlir::Value, const HostTensor &)>;

/// Runs the ops of a block in order and returns the operands of its
/// terminator. A tensor is there from when it is computed, a constant from its first
/// use, to its last use.
mlir::FailureOr<llvm::SmallVector<HostTensor>>
interpretBlock(mlir::Block &block, llvm::ArrayRef<const HostTensor *> arguments,
               ValueObserver observe = nullptr);

/// What `func` returns for `inputs`. `observe` sees the arguments and each
/// result of each op of the function's body, not those inside kernels, nor constants
/// that nothing reads.
mlir::FailureOr<llvm::SmallVector<HostTensor>>
interpret(mlir::func::FuncOp func, llvm::ArrayRef<HostTensor> inputs,
          ValueObserver observe = nullptr);

} // namespace dyadic

#endif
