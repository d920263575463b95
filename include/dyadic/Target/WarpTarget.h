//===- WarpTarget.h - what a GPU tells the kernel emitters ------*- C++ -*-===//
//
// The interface between the GPU loops of Codegen and a target. A WarpTarget is
// a KernelTarget for what one thread does alone, and adds what 32 threads do
// together: matrix products of fragments, and how much of a contraction a block
// of threads takes.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_WARPTARGET_H
#define DYADIC_TARGET_WARPTARGET_H

#include "dyadic/Target/KernelTarget.h"

namespace dyadic {

/// The part of a contraction that a block of threads makes, and how: `rows` ×
/// `columns` sums, `depth` bytes of each at a time, divided among warps.
struct BlockTile {
  int64_t rows, columns, depth;
  int64_t warpRows, warpColumns;
  /// Tiles in the block's memory at once.
  int64_t stages;

  int64_t warps() const {
    return (rows / warpRows) * (columns / warpColumns);
  }
  int64_t threads() const { return 32 * warps(); }
  int64_t bytes() const { return stages * (rows + columns) * depth; }
};

/// Who computes a contraction.
enum class ContractionForm {
  /// Tiles of sums on tensor cores.
  TensorCores,
  /// A warp has some sums, each thread part of their products: few rows.
  Warps,
  /// A thread has whole sums: little work a sum.
  Threads
};

class WarpTarget : public KernelTarget {
public:
  using KernelTarget::KernelTarget;

  virtual ContractionForm chooseForm(const ContractionShape &shape,
                                     int64_t groups) const = 0;
  virtual BlockTile chooseBlockTile(const ContractionShape &shape,
                                    int64_t groups) const = 0;
  /// Whether memory is copied to the block's memory without registers.
  virtual bool hasAsyncCopies() const = 0;

  /// acc + Σ_4 x · w for two words of bytes; `kind` is that of x.
  virtual mlir::Value dotWords(mlir::OpBuilder &b, mlir::Location loc,
                               OperandKind kind, mlir::Value acc,
                               mlir::Value x, mlir::Value w) const = 0;
  /// The 16 × 8 sums of a warp plus 16 × 32 activations times 32 × 8 weights.
  /// Thread t has the sums [t / 4 + 8·(i / 2)][2·(t % 4) + i % 2] as acc[i], the
  /// activation words [t / 4 + 8·(i % 2)][4·(t % 4) + 16·(i / 2)] as x[i] and
  /// the weight words of column t / 4, from row 4·(t % 4) + 16·i on, as w[i].
  virtual llvm::SmallVector<mlir::Value>
  multiplyFragments(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                    mlir::ValueRange acc, mlir::ValueRange x,
                    mlir::ValueRange w) const = 0;
};

} // namespace dyadic

#endif
