//===- Artifact.h - objects, libraries and executables on disk --*- C++ -*-===//
#ifndef DYADIC_EMIT_ARTIFACT_H
#define DYADIC_EMIT_ARTIFACT_H

#include "dyadic/Emit/MachineCode.h"

namespace dyadic {

enum class ArtifactKind { Object, Archive, SharedLibrary, Executable, Assembly, Cubin };

/// What a path asks for: .o, .a, .so, .s or .ptx and .cubin by their extensions,
/// anything else is an executable.
ArtifactKind artifactKindOf(llvm::StringRef path);

/// The name that symbols get from a path: "out/libdigits.so" gives "digits".
std::string modelNameOf(llvm::StringRef path);

/// Compiles a level-5 module, which is lowered in place, and writes it to
/// `path`, with a header beside it (the path with extension .h) unless it is an
/// executable or assembly. Files appear under their names only when all are
/// complete.
mlir::LogicalResult writeArtifact(mlir::ModuleOp module, const ProgramInfo &info,
                                  EmitOptions options, llvm::StringRef path);

} // namespace dyadic

#endif
