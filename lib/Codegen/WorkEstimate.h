//===- WorkEstimate.h - how long a kernel takes, roughly --------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_WORKESTIMATE_H
#define DYADIC_LIB_CODEGEN_WORKESTIMATE_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dyadic::codegen {

/// The time of `kernel` on one thread of a fast machine in nanoseconds, from its
/// products and bytes: the scale on which waiting for each other costs threads
/// some hundreds.
double estimateNanoseconds(KernelOp kernel);

/// How many of `threads` gain by sharing `kernel`: each has work for at least
/// `threadCost` nanoseconds.
int64_t worthwhileThreads(KernelOp kernel, int64_t threads, double threadCost);

/// `threads`, or one if sharing the kernels of `function` saves less than it takes
/// to start them.
int64_t worthwhileTeam(mlir::func::FuncOp function, int64_t threads,
                       double threadCost);

} // namespace dyadic::codegen

#endif
