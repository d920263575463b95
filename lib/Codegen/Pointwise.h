//===- Pointwise.h - the element-wise part of a kernel ----------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_POINTWISE_H
#define DYADIC_LIB_CODEGEN_POINTWISE_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// `width` consecutive elements of a tensor, starting at element `flat` of its
/// row-major order. `channel` is the first one's index in the last dimension;
/// null where the vector runs over rows (only tensors of one shape and
/// constants for all channels then).
struct Position {
  mlir::Value flat;
  mlir::Value channel;
  int64_t width;
};

/// Emits a kernel's pointwise ops on vectors, from the anchor's value (or from
/// memory) to the stores of the kernel's results. Integers are i32 lanes in
/// between.
class PointwiseEmitter {
public:
  /// Fails with a located error where an op can't be emitted.
  static mlir::FailureOr<PointwiseEmitter> create(KernelBuilder &kernel);

  /// Emits all at `position` of the kernel's result shape; `anchor` is the
  /// anchor's vector there (i32 or f32 lanes), null without one.
  void emit(Position position, mlir::Value anchor);

  /// Whether vectors may run over rows.
  bool canFlatten() const;

private:
  explicit PointwiseEmitter(KernelBuilder &kernel) : k(kernel) {}

  /// How a requantize is computed, and its parameters in memory.
  struct RequantizePlan {
    bool perChannel = false;
    bool useFloat = false;
    bool clampFloat = false;
    mlir::Value scale;                             // f32, float form
    mlir::Value multiplier, shift, addend, parity; // i32 and i64, integer form
  };
  mlir::LogicalResult planRequantize(RequantizeOp op);

  mlir::Value value(mlir::Value tensor, const Position &position);
  mlir::Value compute(mlir::Operation *op, const Position &position);
  mlir::Value load(mlir::Value tensor, const Position &position);
  mlir::Value parameter(mlir::Value memref, bool perChannel,
                        const Position &position);
  /// Where the elements of a tensor of shape `from` are that broadcast to
  /// `position` in shape `to`.
  Position broadcast(const Position &position, llvm::ArrayRef<int64_t> to,
                     llvm::ArrayRef<int64_t> from);

  mlir::Value requantize(RequantizeOp op, mlir::Value x, const Position &p);
  mlir::Value lookup(LookupOp op, mlir::Value x);
  mlir::Value quantize(QuantizeOp op, mlir::Value x);
  mlir::Value clampInt(mlir::Value x, int64_t low, int64_t high);

  KernelBuilder &k;
  llvm::DenseMap<mlir::Operation *, RequantizePlan> plans;
  llvm::DenseMap<mlir::Operation *, mlir::Value> tables;
  /// The vectors of the values at the present position.
  llvm::DenseMap<mlir::Value, mlir::Value> vectors;
};

/// A kernel without an anchor: its pointwise ops over the whole result.
mlir::LogicalResult emitPointwiseKernel(KernelBuilder &kernel);

} // namespace dyadic::codegen

#endif
