//===- Link.h - the linker of a target's system -----------------*- C++ -*-===//
#ifndef DYADIC_EMIT_LINK_H
#define DYADIC_EMIT_LINK_H

#include "dyadic/Emit/Artifact.h"

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

namespace dyadic {

/// What is linked, and where to.
struct LinkJob {
  /// The bytes of the model's object file.
  llvm::StringRef object;
  llvm::StringRef triple;
  /// The file, which exists and is replaced, and the path that it will get.
  llvm::StringRef output, target;
  bool isStatic = false;
  /// The object calls an OpenMP runtime.
  bool needsOpenMP = false;
};

/// Reports what keeps such files from being linked for `triple`: a system without
/// them, or a missing compiler. Known before the long part.
mlir::LogicalResult checkLinker(ArtifactKind kind, llvm::StringRef triple,
                                mlir::Location loc);

/// The object and Dyadic's main program, which is compiled here, as an executable.
mlir::LogicalResult linkExecutable(const LinkJob &job, mlir::Location loc);

/// A shared library that calls itself as `job.target` does.
mlir::LogicalResult linkSharedLibrary(const LinkJob &job, mlir::Location loc);

} // namespace dyadic

#endif
