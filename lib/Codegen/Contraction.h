//===- Contraction.h - convolutions and matrix products as loops *- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_CONTRACTION_H
#define DYADIC_LIB_CODEGEN_CONTRACTION_H

#include "PackedWeights.h"
#include "Pointwise.h"

#include "dyadic/Dialect/Coded/CodedGrid.h"
#include "dyadic/Dialect/Coded/CodedIntegers.h"
#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic::codegen {

/// The operands of a convolution, float or integer, read from the op.
struct ConvOperands {
  OperandKind kind;
  mlir::Value input;
  llvm::SmallVector<int64_t> inputShape, filterShape, outputShape;
  /// Of the input in memory: KernelBuilder::strides where it may be a view.
  llvm::SmallVector<int64_t> inputStrides;
  /// Rows of pixels that follow one another may be one long row. Not where the
  /// result's rows don't: a tile that leaves a row needs divisions.
  bool joinsRows = true;
  HostTensor filter; // O×KH×KW×(C/groups)
  NibbleTable nibbles;
  std::optional<CodedWeights> coded; // the filter, in memory of few bits
  std::optional<CodedIntegers> integers; // likewise where it has factors of groups
  HostTensor bias;   // O; zeros where there is none
  llvm::SmallVector<int64_t> strides, dilations;
  int64_t groups;
  /// Columns of the result before the actual end; null: all.
  mlir::Value columnLimit;

  static mlir::FailureOr<ConvOperands> read(mlir::Operation *op);
  /// One filter a channel.
  bool isDepthwise() const {
    return filterShape[3] == 1 && groups == inputShape[3] &&
           filterShape[0] == inputShape[3];
  }
};

/// The operands of a product with a constant matrix, float or integer.
struct MatmulOperands {
  OperandKind kind;
  mlir::Value lhs;
  int64_t rows, depth, channels;
  HostTensor weights; // depth × channels
  NibbleTable nibbles;
  std::optional<CodedWeights> coded; // the weights, in memory of few bits
  std::optional<CodedIntegers> integers; // likewise where they have factors of groups
  HostTensor bias;    // channels; zeros where there is none

  static mlir::FailureOr<MatmulOperands> read(mlir::Operation *op);
};

/// Whether the right operand of a matrix product is a constant matrix.
bool hasConstantMatrix(mlir::Operation *matmul);

/// A float product of matrices that are both computed at run time.
struct BatchProduct {
  int64_t batches, rows, columns, depth;
  /// How far an operand advances from one matrix to the next: the matrix's size,
  /// or nothing where all share one.
  int64_t lhsStride, rhsStride;

  /// An error where an operand is broadcast in another way.
  static mlir::FailureOr<BatchProduct> of(qnn::MatmulOp op);
};

/// A dyadic.batch_matmul as matrices in memory: extents, and how many elements
/// lie between neighbours. Sums run over neighbours of the left operand.
struct ProductStrides {
  struct Batch {
    int64_t extent, lhs, rhs, out; // a stride of 0 repeats one matrix
  };
  llvm::SmallVector<Batch> batches; // outermost first
  int64_t rows, columns, depth;
  int64_t lhsRow, rhsDepth, rhsColumn, outRow;
};
ProductStrides productStrides(const KernelBuilder &k, BatchMatmulOp op);

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
  /// Pixels of a row before the actual end; null: all.
  mlir::Value pixelLimit;
  /// Writes what the pixels of a row read to `activations`, from the element on where
  /// they would read, and returns where; null: they read in place.
  std::function<mlir::Value(mlir::Value first)> beginRow;
  /// Weight of a channel (of all groups) at a segment and position.
  std::function<double(int64_t channel, int64_t segment, int64_t i)> weight;
  /// A group is so many of the convolution's, side by side in a register.
  int64_t joinedGroups = 1;
  /// Weights have four bits, and mean this.
  NibbleTable nibbles;
  /// Floats that are stored as this; null: as they are.
  const CodedWeights *coded = nullptr;
  /// Integers that are stored as these; null: as they are.
  const CodedIntegers *integers = nullptr;
  const HostTensor *bias = nullptr;
  /// As in ContractionShape.
  int64_t windowTiles = 0, windowSums = 0;

  int64_t segments() const;
  /// What a target chooses a tile by, where activations are (or become) of `operand`.
  ContractionShape shape(OperandKind operand, Nibbles nibbles) const;
};

/// bias + offset, as accumulators add: modulo 2^32.
inline int32_t addModulo(int32_t bias, int64_t offset) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) +
                              static_cast<uint32_t>(offset));
}
inline float addModulo(float bias, int64_t) { return bias; } // never offset

/// The sums of a convolution or of a matrix product, whose operands must
/// outlive the result, over activations in memory.
Contraction contractionOf(const ConvOperands &conv, mlir::Value activations);
Contraction contractionOf(const MatmulOperands &matmul,
                          mlir::Value activations);

/// Packs the weights and writes the loops.
mlir::LogicalResult emitContraction(KernelBuilder &k, const Contraction &c);

} // namespace dyadic::codegen

#endif
