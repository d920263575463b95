//===- Link.h - the system's linker -----------------------------*- C++ -*-===//
#ifndef DYADIC_EMIT_LINK_H
#define DYADIC_EMIT_LINK_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

namespace dyadic {

/// The bytes of an object and Dyadic's main program become the executable
/// `output`, which exists and is replaced. `target` is the path it will get, for
/// messages. Needs a C compiler driver on PATH.
mlir::LogicalResult linkExecutable(llvm::StringRef object, llvm::StringRef target,
                                   llvm::StringRef output, mlir::Location loc);

/// The same for a shared library that calls itself as `target` does.
mlir::LogicalResult linkSharedLibrary(llvm::StringRef object,
                                      llvm::StringRef target,
                                      llvm::StringRef output, mlir::Location loc);

} // namespace dyadic

#endif
