//===- GenerateKernels.h - level 4 to level 5 -------------------*- C++ -*-===//
#ifndef DYADIC_CODEGEN_GENERATEKERNELS_H
#define DYADIC_CODEGEN_GENERATEKERNELS_H

#include "dyadic/Target/TargetInfo.h"

#include "mlir/Pass/Pass.h"

namespace dyadic {

struct CodegenOptions {
  TargetInfo target;
  /// The prefix of the public symbols, a C identifier.
  std::string modelName = "model";
  /// How many threads share a run (a CPU's). Kernels that aren't worth it run on
  /// fewer; with one, nothing is there for threads.
  int64_t threads = 1;
  /// The work in nanoseconds that is worth a thread.
  double threadCost = 1000;
};

/// Turns the planned module (one function of `dyadic.kernel` ops with
/// `arena_offsets`) into loops: a private function per different kernel,
/// `@<model>_run(inputs…, outputs…, arena)` that calls them, and the constant
/// `@<model>_weights`.
std::unique_ptr<mlir::Pass>
createGenerateKernelsPass(CodegenOptions options);

/// The same for a GPU: the functions are `gpu.func` of one
/// `gpu.module @<model>_kernels`, and `@<model>_run` launches them.
std::unique_ptr<mlir::Pass>
createGenerateGPUKernelsPass(CodegenOptions options);

} // namespace dyadic

#endif
