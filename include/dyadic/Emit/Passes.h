//===- Passes.h - passes of Emit --------------------------------*- C++ -*-===//
#ifndef DYADIC_EMIT_PASSES_H
#define DYADIC_EMIT_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Emit/Passes.h.inc"

/// Level 5 (func, scf, memref, vector, arith, math, linalg, llvm intrinsics)
/// to the LLVM dialect. Memrefs with static shapes become bare pointers at
/// function borders.
void buildLLVMLoweringPipeline(mlir::OpPassManager &pm);

/// The kernels of level 5 on a GPU (`gpu.module`) to the LLVM and NVVM dialects;
/// the host's part stays as it is.
void buildNVVMLoweringPipeline(mlir::OpPassManager &pm);

/// Registers the above as the pipelines `emit-lower-to-llvm` and
/// `emit-lower-to-nvvm`.
void registerEmitPipelines();

/// Runs the pipeline that fits `module`.
mlir::LogicalResult lowerToLLVMDialect(mlir::ModuleOp module);

} // namespace dyadic

#endif
