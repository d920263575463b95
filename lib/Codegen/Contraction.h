//===- Contraction.h - convolutions and matrix products as loops *- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_CONTRACTION_H
#define DYADIC_LIB_CODEGEN_CONTRACTION_H

#include "Pointwise.h"

namespace dyadic::codegen {

/// The operands of a convolution, float or integer, read from the op.
struct ConvOperands {
  OperandKind kind;
  mlir::Value input;
  llvm::SmallVector<int64_t> inputShape, filterShape, outputShape;
  HostTensor filter; // O×KH×KW×(C/groups)
  HostTensor bias;   // O; zeros where there is none
  llvm::SmallVector<int64_t> strides, dilations;
  int64_t groups;

  static mlir::FailureOr<ConvOperands> read(mlir::Operation *op);
};

/// The operand kind of a tensor, or a located error.
mlir::FailureOr<OperandKind> operandKind(mlir::Operation *op, mlir::Value value);

/// A sum of products over `segments` × `length` activations, each segment
/// contiguous in memory, for every result of a grid of rows × pixels × channels
/// in each of `groups` groups.
struct Contraction {
  OperandKind kind;
  mlir::Value activations; // flat memref
  /// Rows are images × rowsPerImage.
  int64_t images = 1, rowsPerImage = 1, pixels = 1, channels = 1, groups = 1;
  /// Element distances between images, rows, pixels and groups of activations.
  int64_t imageStride = 0, rowStride = 0, pixelStride = 0, groupStride = 0;
  /// The segments of one sum: nested loops {count, stride}, outermost first.
  llvm::SmallVector<std::pair<int64_t, int64_t>> segmentLoops;
  int64_t length = 0;
  /// Weight of a channel (of all groups) at a segment and position.
  std::function<double(int64_t channel, int64_t segment, int64_t i)> weight;
  const HostTensor *bias = nullptr;

  int64_t segments() const;
};

/// Packs the weights and writes the loops.
mlir::LogicalResult emitContraction(KernelBuilder &k, const Contraction &c);

} // namespace dyadic::codegen

#endif
