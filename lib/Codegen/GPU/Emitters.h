//===- Emitters.h - one function per kind of GPU kernel ---------*- C++ -*-===//
//
// Each emitter says how its kernel is launched, writes what one thread does and
// hands its vectors to the PointwiseEmitter. They fail with a located error on
// what they can't emit. A new one is declared here and named in Emitters.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_GPU_EMITTERS_H
#define DYADIC_LIB_CODEGEN_GPU_EMITTERS_H

#include "GPUKernelBuilder.h"

namespace dyadic::codegen::gpu_kernels {

using AnchorEmitter = mlir::LogicalResult (*)(GPUKernelBuilder &k,
                                              mlir::Operation *anchor);

/// The emitter of an anchor op by its name; null for an op that is no anchor.
AnchorEmitter findEmitter(llvm::StringRef opName);

// Pointwise.cpp: a kernel without an anchor
mlir::LogicalResult emitPointwise(GPUKernelBuilder &k);
// Contraction.cpp: picks tensor cores, warps or threads
mlir::LogicalResult emitConv2D(GPUKernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitMatmul(GPUKernelBuilder &k, mlir::Operation *anchor);
// Pooling.cpp
mlir::LogicalResult emitPool2D(GPUKernelBuilder &k, mlir::Operation *anchor);
// Movement.cpp: transpose, concat, slice, pad, resize of either dialect
mlir::LogicalResult emitMovement(GPUKernelBuilder &k, mlir::Operation *anchor);
// GatherSlices.cpp: of either dialect
mlir::LogicalResult emitGather(GPUKernelBuilder &k, mlir::Operation *anchor);
// Reduction.cpp: dyadic.reduce_sum, qnn.reduce_mean
mlir::LogicalResult emitReduction(GPUKernelBuilder &k, mlir::Operation *anchor);
// IntegerBatchMatmul.cpp: dyadic.batch_matmul
mlir::LogicalResult emitIntegerBatchMatmul(GPUKernelBuilder &k,
                                           mlir::Operation *anchor);
// Normalization.cpp
mlir::LogicalResult emitSoftmax(GPUKernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitLayerNorm(GPUKernelBuilder &k, mlir::Operation *anchor);

} // namespace dyadic::codegen::gpu_kernels

#endif
