//===- Latency.h - what each layer takes ------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_LATENCY_H
#define DYADIC_LIB_EXPLAIN_LATENCY_H

#include "dyadic/Explain/Explain.h"

namespace dyadic {

/// Times the kernels of both networks on `inputs`, on one thread of this machine, and
/// fills in each layer's seconds. `calibrated` was marked by `markLayers`, and
/// `quantized` made of a copy; `explanation` has their layers. With `integerOnly` the
/// quantized one is lowered as --integer-only does; what it refuses is an error.
mlir::LogicalResult measureLatency(mlir::ModuleOp calibrated, mlir::ModuleOp quantized,
                                   llvm::StringRef rounding, bool integerOnly,
                                   llvm::ArrayRef<HostTensor> inputs,
                                   Explanation &explanation);

} // namespace dyadic

#endif
