//===- Rows.h - rows that several threads share -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_GPU_ROWS_H
#define DYADIC_LIB_CODEGEN_GPU_ROWS_H

#include "GPUKernelBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace dyadic::codegen {

/// The threads of a row of `extent` elements: a warp, or a block where the row
/// is long. Thread `lane` has the pieces of `width` elements that begin at
/// width·lane, width·(lane + threads) and so on.
class RowThreads {
public:
  RowThreads(GPUKernelBuilder &k, int64_t extent, int64_t width);

  /// Launches them for each of `rows`; all of a row's threads are together in
  /// `body`.
  void forRows(int64_t rows, llvm::function_ref<void(mlir::Value row)> body);

  /// One value made of those of all threads of the row, in all of them.
  mlir::Value combine(mlir::vector::CombiningKind kind, mlir::Value scalar);

  GPUKernelBuilder &k;
  const int64_t extent, width, threads;
  /// Set inside of `forRows`.
  mlir::Value lane;
};

/// A thread's part of a row. Short rows are read once and kept in registers;
/// long ones are read again for every use.
class RowPart {
public:
  using Read = std::function<mlir::Value(mlir::Value at)>;
  using Map = std::function<mlir::Value(mlir::Value x)>;

  /// `read` gives the vector at `at`, of type `type`.
  RowPart(RowThreads &row, mlir::VectorType type, Read read);

  /// x = map(x) for all elements.
  void map(Map map);
  /// The sum or the maximum of the row's map(x), in all its threads.
  mlir::Value reduce(mlir::vector::CombiningKind kind, Map map);
  void forEach(llvm::function_ref<void(mlir::Value at, mlir::Value x)> body);

private:
  struct Piece {
    mlir::Value at, x, isInside; // null where it always is
  };
  mlir::Value read(mlir::Value at);

  RowThreads &row;
  GPUKernelBuilder &k;
  mlir::VectorType type;
  Read readPiece;
  std::vector<Map> maps; // of a long row
  bool isLong;
  std::vector<Piece> pieces;
};

/// 4, or 1 where that doesn't divide `extent`.
inline int64_t rowPieceWidth(int64_t extent) { return extent % 4 ? 1 : 4; }

} // namespace dyadic::codegen

#endif
