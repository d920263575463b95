//===- FloatTiles.h - products of float matrices on a GPU -------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_GPU_FLOATTILES_H
#define DYADIC_LIB_CODEGEN_GPU_FLOATTILES_H

#include "../Pointwise.h"
#include "GPUKernelBuilder.h"

#include <functional>

namespace dyadic::codegen::gpu_kernels {

/// Rows × depth times depth × columns, `matrices` times. The operands are read
/// four elements at a time, in the direction in which they are contiguous.
struct FloatProduct {
  int64_t matrices, rows, columns, depth;
  /// Begins the reading of four elements of the left operand: what depends on
  /// the row alone, and then the elements of the row from a depth on.
  std::function<mlir::Value(mlir::Value matrix, mlir::Value row)> rowBase;
  std::function<mlir::Value(mlir::Value base, mlir::Value depth)> loadLeft;
  /// Four columns of a row of the right operand.
  std::function<mlir::Value(mlir::Value matrix, mlir::Value depth,
                            mlir::Value column)>
      loadRight;
  /// Four sums to begin with.
  std::function<mlir::Value(mlir::Value matrix, mlir::Value column)> initial;
  /// The result's element of a row and a column.
  std::function<Position(mlir::Value matrix, mlir::Value row,
                         mlir::Value column, int64_t width)>
      position;
};

/// Depth and columns of a tile's slices: packed operands are padded to them.
constexpr int64_t kFloatTileDepth = 16, kFloatTileColumns = 64;

/// Whether a product is large enough for tiles.
bool suitsFloatTiles(int64_t rows, int64_t columns, int64_t depth);

void emitFloatTiles(GPUKernelBuilder &k, const FloatProduct &product,
                    PointwiseEmitter &epilogue);

} // namespace dyadic::codegen::gpu_kernels

#endif
