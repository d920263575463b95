//===- TileSource.h - where tiles read their activations --------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_TILESOURCE_H
#define DYADIC_LIB_CODEGEN_TILESOURCE_H

#include "PanelLayout.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace dyadic::codegen {

/// Asks LLVM not to unroll a loop.
void keepLoop(mlir::scf::ForOp loop);

/// The activations in place or, for tiles that take them in another form, memory for
/// those of a tile: segment by segment, there pixel by pixel or as the run that they
/// are.
class TileSource {
public:
  /// All of them must outlive the source.
  TileSource(KernelBuilder &k, const Contraction &c, OperandKind kind,
             const RegisterTile &tile, const PanelLayout &layout);

  mlir::Value memory;
  int64_t pixelStride;
  /// As in Contraction.
  llvm::SmallVector<std::pair<int64_t, int64_t>> segmentLoops;

  /// Where the tile of `count` pixels begins whose first activation is `base`.
  mlir::Value prepare(mlir::Value base, int64_t count);

private:
  /// Whether neighbouring pixels' segments are one run of memory, and each begins
  /// with a group of it.
  bool pixelsOverlap() const {
    return c.pixelStride <= c.length && c.pixelStride % tile.group == 0;
  }
  void prepareSegments(size_t level, mlir::Value from, mlir::Value to,
                       int64_t count);
  void prepareRun(mlir::Value from, mlir::Value to, int64_t length, int64_t zeros);

  KernelBuilder &k;
  const Contraction &c;
  OperandKind kind;
  const RegisterTile &tile;
  const PanelLayout &layout;
};

} // namespace dyadic::codegen

#endif
