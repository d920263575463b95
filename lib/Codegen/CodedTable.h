//===- CodedTable.h - rows of a table of few bits ---------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_CODEDTABLE_H
#define DYADIC_LIB_CODEGEN_CODEDTABLE_H

#include "CodeDecoder.h"

namespace dyadic::codegen {

/// A table whose rows are a grid's channels, as words [row][word][lane]: lane l of
/// code i of a unit is element i · lanes() + l of so many.
class CodedTable {
public:
  /// Whether the elements of a register have one scale. On a GPU nothing does.
  static bool suits(const KernelBuilder &k, const CodedGrid &grid);
  CodedTable(KernelBuilder &k, const CodedWeights &weights);

  /// The elements that begin with a unit.
  int64_t pieceWidth() const { return lanes * decoder.codesPerUnit(); }
  /// Calls `body` with the registers of `width` elements of `row` from `start` on, a
  /// multiple of pieceWidth(), and how far each is behind `start`.
  void forVectors(mlir::Value row, mlir::Value start, int64_t width,
                  llvm::function_ref<void(int64_t offset, mlir::Value)> body);

private:
  CodedGrid grid;
  KernelBuilder &k;
  int64_t lanes;
  CodeDecoder decoder;
  int64_t wordsPerRow; // of each lane
  mlir::Value words, scales, zeros;
};

} // namespace dyadic::codegen

#endif
