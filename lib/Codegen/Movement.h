//===- Movement.h - what the movement ops say, for any machine --*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_MOVEMENT_H
#define DYADIC_LIB_CODEGEN_MOVEMENT_H

#include "StridedCopy.h"

namespace dyadic::codegen {

/// The boxes that make up the result of a transpose, concat or slice of either
/// dialect, with these strides; none for another op, nor for what is in place.
llvm::SmallVector<StridedCopy>
describeCopies(KernelBuilder &k, mlir::Operation *anchor,
               llvm::ArrayRef<int64_t> outputStrides);

/// A pad of either dialect.
struct Border {
  mlir::Value input, output; // tensors
  llvm::ArrayRef<int64_t> low, high;
  mlir::Attribute fill; // of the input's type in memory
};
std::optional<Border> describeBorder(mlir::Operation *anchor);

/// Writes a resize of either dialect.
void emitResize(KernelBuilder &k, ResultSink &sink, mlir::Operation *anchor);

} // namespace dyadic::codegen

#endif
