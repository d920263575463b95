//===- Variants.h - one model for several CPUs in an object -----*- C++ -*-===//
//
// Level 5 of several variants is one module: the symbols of each begin with its
// name and a dot, `avx2.k0_conv2d`, and they share one constant for the weights.
// `<model>_run` chooses on its first call.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EMIT_VARIANTS_H
#define DYADIC_EMIT_VARIANTS_H

#include "dyadic/Target/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace dyadic {

/// What each is called: its level, made unique.
std::vector<std::string> variantNames(llvm::ArrayRef<TargetInfo> variants);

/// Level-5 modules of the same model `model`, one for each of `names`, as one.
/// Weights that kernels of several variants pack alike are there once.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
mergeVariants(llvm::MutableArrayRef<mlir::OwningOpRef<mlir::ModuleOp>> modules,
              llvm::ArrayRef<std::string> names, llvm::StringRef model);

/// Which variant `function` belongs to; null: none.
const TargetInfo *variantOf(llvm::StringRef function,
                            llvm::ArrayRef<TargetInfo> variants,
                            llvm::ArrayRef<std::string> names);

/// Adds `<model>_run`, which calls the strongest variant that the machine has
/// everything for, else the first. The triple must have a CPU runtime.
llvm::Function *addDispatcher(llvm::Module &module, llvm::StringRef model,
                              llvm::ArrayRef<TargetInfo> variants,
                              llvm::ArrayRef<std::string> names);

} // namespace dyadic

#endif
