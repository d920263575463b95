//===- ThreadRuntime.h - what runs a model on several threads ---*- C++ -*-===//
#ifndef DYADIC_EMIT_THREADRUNTIME_H
#define DYADIC_EMIT_THREADRUNTIME_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace dyadic {

/// Adds Runtime/threads.c to `module` if it calls it; the module's triple must
/// have a CPU runtime (CPURuntime.h).
void linkThreadRuntime(llvm::Module &module);

/// What Runtime/threads.c calls, from the OpenMP runtime of this process or one
/// that can be loaded into it.
mlir::FailureOr<std::vector<std::pair<llvm::StringRef, void *>>>
loadOpenMP(mlir::Location loc);

} // namespace dyadic

#endif
