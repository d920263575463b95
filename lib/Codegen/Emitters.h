//===- Emitters.h - one function per kind of kernel -------------*- C++ -*-===//
//
// Each emitter writes the loops of one anchor op and hands every vector of its
// result to the PointwiseEmitter. They fail with a located error on what they
// can't emit, before any code is generated for it.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_EMITTERS_H
#define DYADIC_LIB_CODEGEN_EMITTERS_H

#include "KernelBuilder.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include <optional>

namespace dyadic::codegen {

/// The kinds of anchors that have an emitter, on a CPU and on a GPU.
enum class AnchorKind {
  Conv2D,
  Matmul,
  Movement,
  Gather,
  Pool2D,
  Reduction,
  Softmax,
  LayerNorm,
  BatchMatmul,
  LSTM,
  GRU,
  Compute,
  DynamicQuantize
};

/// The kind of an op by its name; nothing for an op that is no anchor.
std::optional<AnchorKind> anchorKind(llvm::StringRef opName);

using AnchorEmitter = mlir::LogicalResult (*)(KernelBuilder &kernel,
                                              mlir::Operation *anchor);

/// The emitter of an anchor op by its name; null for an op that is no anchor.
AnchorEmitter findEmitter(llvm::StringRef opName);

// Convolution.cpp, BatchMatmul.cpp, Depthwise.cpp
mlir::LogicalResult emitConv2D(KernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitMatmul(KernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitBatchMatmul(KernelBuilder &k, qnn::MatmulOp op);
// IntegerBatchMatmul.cpp: dyadic.batch_matmul
mlir::LogicalResult emitIntegerBatchMatmul(KernelBuilder &k,
                                           mlir::Operation *anchor);
mlir::LogicalResult emitDepthwise(KernelBuilder &k, mlir::Operation *anchor);
// Movement.cpp: transpose, concat, slice, pad, resize of either dialect
mlir::LogicalResult emitMovement(KernelBuilder &k, mlir::Operation *anchor);
// GatherSlices.cpp: of either dialect
mlir::LogicalResult emitGather(KernelBuilder &k, mlir::Operation *anchor);
// Pooling.cpp
mlir::LogicalResult emitPool2D(KernelBuilder &k, mlir::Operation *anchor);
// Reduction.cpp: dyadic.reduce_sum, qnn.reduce_mean
mlir::LogicalResult emitReduction(KernelBuilder &k, mlir::Operation *anchor);
// Recurrent.cpp
mlir::LogicalResult emitLSTM(KernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitGRU(KernelBuilder &k, mlir::Operation *anchor);
// Compute.cpp
mlir::LogicalResult emitCompute(KernelBuilder &k, mlir::Operation *anchor);
// DynamicQuantize.cpp
mlir::LogicalResult emitDynamicQuantize(KernelBuilder &k, mlir::Operation *anchor);
// Normalization.cpp
mlir::LogicalResult emitSoftmax(KernelBuilder &k, mlir::Operation *anchor);
mlir::LogicalResult emitLayerNorm(KernelBuilder &k, mlir::Operation *anchor);

} // namespace dyadic::codegen

#endif
