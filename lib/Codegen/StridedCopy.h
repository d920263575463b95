//===- StridedCopy.h - boxes of elements moved between tensors --*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_STRIDEDCOPY_H
#define DYADIC_LIB_CODEGEN_STRIDEDCOPY_H

#include "ResultSink.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"

namespace dyadic::codegen {

/// One loop of a copy: strides are in elements.
struct CopyLoop {
  int64_t extent, inputStride, outputStride;
};

/// result[outputOffset + Σ i·outputStride] = input[inputOffset + Σ i·inputStride].
/// The loops are in the order of the result's dimensions, the last one along
/// the result's last dimension.
struct StridedCopy {
  mlir::Value input; // flat memref
  llvm::SmallVector<CopyLoop> loops;
  int64_t inputOffset = 0, outputOffset = 0;
};

/// The loops without those that run once, and with those joined that are one on
/// both sides; the last one stays by itself unless `joinLast`. Never empty.
llvm::SmallVector<CopyLoop> joinLoops(llvm::ArrayRef<CopyLoop> loops,
                                      bool joinLast);

/// Writes the loops: runs that are contiguous on both sides as vectors, and
/// transposed ones as tiles that are transposed in registers.
void emitCopy(KernelBuilder &k, ResultSink &sink, StridedCopy copy);

/// `count` elements of the result from `outputStart` on, as vectors that `read`
/// gives (`at` counts from 0). Runs that leave a row begin at its start; others
/// begin at `channel`.
void emitRun(KernelBuilder &k, ResultSink &sink, int64_t count, int64_t channel,
             mlir::Value outputStart,
             llvm::function_ref<mlir::Value(mlir::Value at, int64_t width)> read,
             mlir::Type element);

} // namespace dyadic::codegen

#endif
