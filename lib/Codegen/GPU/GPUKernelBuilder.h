//===- GPUKernelBuilder.h - writes one gpu.func -----------------*- C++ -*-===//
//
// A KernelBuilder whose function is run by a grid of blocks of threads. The
// helpers of KernelBuilder mean what they mean on a CPU, for one thread; vectors
// are what a thread loads at once, 4 to 16 bytes, with the alignment that
// follows from their index.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_GPU_GPUKERNELBUILDER_H
#define DYADIC_LIB_CODEGEN_GPU_GPUKERNELBUILDER_H

#include "../KernelBuilder.h"
#include "dyadic/Target/WarpTarget.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace dyadic::codegen {

/// Rows of `count` elements, one for each index of `extents`, in pieces.
struct PieceGrid {
  llvm::SmallVector<int64_t> extents;
  int64_t count, width;

  int64_t perRow() const;
  int64_t size() const;
};

class GPUKernelBuilder : public KernelBuilder {
public:
  GPUKernelBuilder(mlir::OpBuilder builder, KernelOp kernel,
                   llvm::StringRef name, const WarpTarget &warps,
                   WeightBlob &blob);

  const WarpTarget &warps;

  //===--- The launch ------------------------------------------------------===//

  /// The threads of a block and the blocks of the grid. Every emitter says it
  /// once.
  void launch(int64_t threads, int64_t blocksX, int64_t blocksY = 1,
              int64_t blocksZ = 1);
  /// A launch with a thread for each of `count` items; `body` gets the item's
  /// index, always below `count`.
  void forThreads(int64_t count, llvm::function_ref<void(mlir::Value)> body,
                  int64_t threads = 128);

  /// A thread for each piece, which is at most `width` wide.
  void forPieces(llvm::ArrayRef<int64_t> extents, int64_t count, int64_t width,
                 PieceBody body) override;
  /// Pieces of a width that suits the elements in memory, `most` at most.
  PieceGrid divide(llvm::ArrayRef<int64_t> extents, int64_t count,
                   int64_t most);
  void emitPiece(const PieceGrid &grid, mlir::Value number, PieceBody body);

  mlir::Value thread();
  mlir::Value block(mlir::gpu::Dimension dimension = mlir::gpu::Dimension::x);
  /// Blocks until all threads of the block are here; their writes are seen.
  void barrier();
  /// `bytes` of memory that the block's threads share.
  mlir::Value workgroupMemory(int64_t bytes);
  /// `count` elements of type `element` in the block's memory.
  mlir::Value workgroupMemory(int64_t count, mlir::Type element);

  //===--- Control and indices --------------------------------------------===//

  /// if (condition) body
  void when(mlir::Value condition, llvm::function_ref<void()> body);
  void whenElse(mlir::Value condition, llvm::function_ref<void()> body,
                llvm::function_ref<void()> otherwise);
  mlir::Value less(mlir::Value lhs, int64_t rhs);
  mlir::Value equal(mlir::Value lhs, int64_t rhs);
  /// Of indices that aren't negative.
  mlir::Value div(mlir::Value lhs, int64_t rhs);
  mlir::Value rem(mlir::Value lhs, int64_t rhs);
  /// The indices whose row-major number among `extents` is `number`.
  llvm::SmallVector<mlir::Value> coordinates(mlir::Value number,
                                             llvm::ArrayRef<int64_t> extents);

  //===--- Memory ----------------------------------------------------------===//

  mlir::Value loadVector(mlir::Value memref, mlir::Value index,
                         int64_t width) override;
  void storeVector(mlir::Value vector, mlir::Value memref,
                   mlir::Value index) override;

  mlir::gpu::GPUFuncOp getGPUFunction();

private:
  void terminate() override;
};

} // namespace dyadic::codegen

#endif
