//===- RowPieces.h - rows that stay in registers ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_ROWPIECES_H
#define DYADIC_LIB_CODEGEN_ROWPIECES_H

#include "ResultSink.h"

namespace dyadic::codegen {

struct RowPiece {
  int64_t at, width;
};
using RowPieces = llvm::SmallVector<RowPiece>;

/// [0, count) in vectors of `width`, and powers of two behind them: LLVM takes
/// other vectors apart lane by lane.
RowPieces cutRow(int64_t count, int64_t width);

/// One lane from all lanes of the vectors of a row's pieces, in any order.
mlir::Value
combineLanes(KernelBuilder &k, llvm::ArrayRef<mlir::Value> vectors,
             llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

/// The only lane of `one` in `width` lanes.
mlir::Value spreadLane(KernelBuilder &k, mlir::Value one, int64_t width);

/// Hands on the vectors of a part of a row, which begins at element `base` of the
/// result and at `channel` of the row, up to four registers together: as many floats
/// make one register of bytes.
void emitRow(KernelBuilder &k, ResultSink &sink, mlir::Value base, mlir::Value channel,
             llvm::ArrayRef<RowPiece> pieces,
             llvm::ArrayRef<AnchorVectors> vectors);

} // namespace dyadic::codegen

#endif
