//===- Trials.h - remedies, measured ----------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_TRIALS_H
#define DYADIC_LIB_EXPLAIN_TRIALS_H

#include "dyadic/Explain/Explain.h"

namespace dyadic {

/// Compiles what is advised for the worst layers by `compile` with that changed, and
/// measures it on the samples that were explained. `calibrated` is the float
/// network, `compilation` has the quantized one. `fault` says whose a failure is.
mlir::LogicalResult tryRemedies(mlir::ModuleOp calibrated, Compilation &compilation,
                                const CompileOptions &compile, SampleStream &samples,
                                int64_t tries, Explanation &explanation,
                                ExitCode &fault);

} // namespace dyadic

#endif
