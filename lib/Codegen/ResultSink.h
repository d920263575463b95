//===- ResultSink.h - where an anchor's vectors go --------------*- C++ -*-===//
//
// Movements, pools and reductions make their result piece by piece. A piece is
// stored as it is where nothing is fused behind the anchor, and goes through
// the pointwise ops otherwise.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_RESULTSINK_H
#define DYADIC_LIB_CODEGEN_RESULTSINK_H

#include "Pointwise.h"

namespace dyadic::codegen {

class ResultSink {
public:
  /// Fails with a located error where an operand of the anchor isn't in memory
  /// or an op behind it can't be emitted.
  static mlir::FailureOr<ResultSink> create(KernelBuilder &k,
                                            mlir::Operation *anchor);

  /// Nothing is fused: `emit` only stores.
  bool isDirect() const { return direct; }
  /// Whether vectors may run over rows of the last dimension; they then need no
  /// channel.
  bool canFlatten() const { return flat; }
  /// The extent of the result's last dimension; 1 for a scalar.
  int64_t rowExtent() const { return row; }
  /// Lanes that suit elements of `type` (a tensor's element type).
  int64_t width(mlir::Type type) const;

  /// Where nothing is fused: from now on `flat` of a position is an index into
  /// the result's memory, of these strides, and no row matters.
  llvm::SmallVector<int64_t> addressMemory();

  /// As PointwiseEmitter's.
  AnchorQuantize quantizeOfAnchor() const { return pointwise.quantizeOfAnchor(); }
  void takeScaled(QuantizeOp op, double bound) { pointwise.takeScaled(op, bound); }

  /// The anchor's elements at `position`, in memory form or as i32 lanes.
  void emit(Position position, AnchorVectors vectors);
  /// The same, with the channel found from `flat` where it is needed: for
  /// vectors inside one row.
  void emitAt(mlir::Value flat, AnchorVectors vectors);

private:
  ResultSink(KernelBuilder &k, PointwiseEmitter pointwise)
      : k(k), pointwise(std::move(pointwise)) {}

  KernelBuilder &k;
  PointwiseEmitter pointwise;
  mlir::Type element; // of the anchor's result
  llvm::ArrayRef<int64_t> shape; // of the result
  bool direct = false, flat = false, isAddress = false;
  int64_t row = 1;
};

/// The shape and element type of a tensor.
inline mlir::RankedTensorType tensorTypeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

} // namespace dyadic::codegen

#endif
