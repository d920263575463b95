//===- HostModule.h - the host's part of a program for a GPU ----*- C++ -*-===//
#ifndef DYADIC_EMIT_GPU_HOSTMODULE_H
#define DYADIC_EMIT_GPU_HOSTMODULE_H

#include "GPUTable.h"

namespace dyadic {

/// An object file for `options.gpu.host`: the launcher, the table, the code and
/// the weights, behind the functions that Header.h declares. `fallback`, if not
/// null, is a level-5 module for the host, which is lowered in place.
mlir::LogicalResult compileHost(mlir::ModuleOp fallback,
                                const ProgramInfo &info,
                                const LaunchTable &table,
                                llvm::ArrayRef<GPUImage> images,
                                llvm::StringRef weights,
                                const EmitOptions &options,
                                llvm::SmallVectorImpl<char> &object,
                                mlir::Location loc);

} // namespace dyadic

#endif
