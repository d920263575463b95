//===- GatherSlices.h - slices at run-time indices --------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_GATHERSLICES_H
#define DYADIC_LIB_CODEGEN_GATHERSLICES_H

#include "ResultSink.h"

namespace dyadic::codegen {

/// Writes the pieces of a gather, which are loops here and threads on a GPU.
mlir::LogicalResult emitSlices(KernelBuilder &k, mlir::Operation *anchor);

} // namespace dyadic::codegen

#endif
