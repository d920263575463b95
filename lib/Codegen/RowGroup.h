//===- RowGroup.h - rows that are reduced side by side ----------*- C++ -*-===//
//
// A mean or a maximum of one row is a chain: registers, their lanes, a division, maybe a
// root. Neighbouring rows go through it together: each has a register of partial results,
// and those of all are transposed on the way to one lane each, so that what follows is one
// instruction for all. Rows are read again for each pass, from the first cache; held in
// registers there would be room for fewer of them.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_ROWGROUP_H
#define DYADIC_LIB_CODEGEN_ROWGROUP_H

#include "RowPieces.h"

namespace dyadic::codegen {

class RowGroup {
public:
  /// How many rows of `extent` elements are worth taking together, in two groups: the
  /// chains of one are under way while the other is computed.
  static int64_t rowsAtOnce(const KernelTarget &target, int64_t extent);
  /// `count` rows, at most as many, that begin at element `first`. What is done to one
  /// group is to be done to all before the next step.
  static std::vector<RowGroup> split(KernelBuilder &k, mlir::Value first,
                                     int64_t count, int64_t extent);

  /// The element `at` of a row.
  mlir::Value element(int64_t row, mlir::Value at) { return k.add(begin, offset(row, at)); }
  /// The same, counted from the first row of all groups.
  mlir::Value offset(int64_t row, mlir::Value at) {
    return k.add(at, (firstRow + row) * extent);
  }

  /// `partial`, null at first, with the elements [at, at + width) of a row in it.
  using Step = llvm::function_ref<mlir::Value(int64_t row, mlir::Value at, int64_t width,
                                              mlir::Value partial)>;
  using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  /// One value of each row, in the lanes of a vector: `combine` of what `step` makes of
  /// its elements, `identity` being nothing to it. Long sums are added up in blocks.
  mlir::Value reduce(double identity, Combine combine, Step step);
  /// `width` copies of a row's lane.
  mlir::Value spread(mlir::Value lanes, int64_t row, int64_t width);

  /// Hands on what `make` makes of each row, up to four registers together.
  using Make = llvm::function_ref<AnchorVectors(int64_t row, mlir::Value at, int64_t width)>;
  void emit(ResultSink &sink, Make make);

  /// Whether rows are better handed on as one run, so that no register is left half empty.
  bool isBetterFlat() const;
  /// The same for all rows as one run of elements: `lanes` spread over [at, at + width)
  /// of it.
  using MakeFlat =
      llvm::function_ref<AnchorVectors(mlir::Value lanes, int64_t at, int64_t width)>;
  void emitFlat(ResultSink &sink, mlir::Value lanes, MakeFlat make);

private:
  RowGroup(KernelBuilder &k, mlir::Value begin, int64_t firstRow, int64_t count,
           int64_t extent);

  using Rows = llvm::SmallVector<mlir::Value>;
  Rows reduceRange(mlir::Value first, int64_t steps, double identity, Step step);
  /// A row's partial results in as many lanes as rows are combined.
  mlir::Value narrow(llvm::ArrayRef<mlir::Value> partials, double identity,
                     Combine combine);
  mlir::Value shuffle(mlir::Value x, mlir::Value y, llvm::ArrayRef<int64_t> ofFour);
  /// Loops that LLVM shall not unroll: it would hold each row's elements from pass to
  /// pass, and there aren't as many registers.
  Rows loop(int64_t count, Rows initial,
            llvm::function_ref<Rows(mlir::Value, mlir::ValueRange)> body);

  /// The lane that is a row's.
  int64_t laneOf(int64_t row) const;

  KernelBuilder &k;
  /// Of the first row of all groups.
  mlir::Value begin;
  int64_t firstRow, count, extent, lanes, width, whole;
  RowPieces rest;
};

} // namespace dyadic::codegen

#endif
