//===- Latency.h - what each layer takes ------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_LATENCY_H
#define DYADIC_LIB_EXPLAIN_LATENCY_H

#include "dyadic/Explain/Explain.h"

namespace dyadic {

/// Times the kernels of both networks on `inputs`, on one thread of this machine, and
/// fills in each layer's seconds. `calibrated` was marked by `markLayers`, and
/// `quantized` made of a copy; `explanation` has their layers.
mlir::LogicalResult measureLatency(mlir::ModuleOp calibrated, mlir::ModuleOp quantized,
                                   llvm::StringRef rounding,
                                   llvm::ArrayRef<HostTensor> inputs,
                                   Explanation &explanation);

} // namespace dyadic

#endif
