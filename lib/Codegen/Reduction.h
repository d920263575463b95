//===- Reduction.h - sums over vectors and rows -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_REDUCTION_H
#define DYADIC_LIB_CODEGEN_REDUCTION_H

#include "ResultSink.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace dyadic::codegen {

/// x + y, of integers or floats.
mlir::Value emitAdd(KernelBuilder &k, mlir::Value x, mlir::Value y);

/// One value from the lanes of a vector, in any order.
mlir::Value reduceLanes(KernelBuilder &k, mlir::vector::CombiningKind kind,
                        mlir::Value vector);

using SumStep = llvm::function_ref<mlir::Value(mlir::Value i, mlir::Value sum)>;

/// Adds to zeros of `type` what `step` adds for each of `count` indices. Long
/// sums of floats are added up block by block: their error grows with the
/// square root of the count, not with the count.
mlir::Value emitSum(KernelBuilder &k, int64_t count, mlir::VectorType type,
                    SumStep step);

/// A dimension, or several that are treated alike.
struct ReductionAxis {
  int64_t extent, inputStride, outputStride;
};

/// The dimensions of a reduction, outermost first. Neighbours that are all kept,
/// or all summed, are one.
struct ReductionAxes {
  llvm::SmallVector<ReductionAxis> kept, summed;
  bool lastIsSummed = false;
  /// Elements in a sum.
  int64_t count = 1;

  /// `canFlatten` says whether the result's last dimension may join others.
  static ReductionAxes split(llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<int64_t> axes, bool canFlatten);
};

/// What a reduction sums, and how its result follows from sums of `count`
/// elements (i32 or f32 lanes).
struct ReductionSpec {
  mlir::Value input;
  llvm::ArrayRef<int64_t> axes;
  std::function<mlir::Value(mlir::Value sum, int64_t count)> finish;
};
ReductionSpec describeReduction(KernelBuilder &k, mlir::Operation *anchor);
/// The sums one by one, or neighbouring ones as the lanes of a vector.
void emitReductionLoops(KernelBuilder &k, ResultSink &sink,
                        const ReductionSpec &spec);

using ReadVector =
    llvm::function_ref<mlir::Value(mlir::Value at, int64_t width)>;

/// Lane by lane sums of the vectors that `read` gives for [0, count): `width`
/// partial sums, or `count` where that is less.
mlir::Value emitRowSum(KernelBuilder &k, int64_t count, int64_t width,
                       mlir::Type element, ReadVector read);

} // namespace dyadic::codegen

#endif
