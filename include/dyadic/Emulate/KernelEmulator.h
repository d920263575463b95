//===- KernelEmulator.h - runs kernels op by op, checked -----------*- C++ -*-===//
//
// Executes level 5: the entry function with its `gpu.launch_func`s, thread by
// thread, with the semantics of the PTX that the kernels become, or with its
// calls of CPU kernels, with the semantics of the instructions that their
// intrinsics and tile ops become. Reports what a machine would silently do
// wrong: accesses out of bounds or misaligned, data races, reads of what was
// never written or not waited for.
// docs/Emulator.md says what is executed, assumed and reported.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EMULATE_KERNELEMULATOR_H
#define DYADIC_EMULATE_KERNELEMULATOR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <memory>

namespace dyadic {

struct EmulatorOptions {
  /// Host threads over which the blocks of a launch are spread; 0: one for each
  /// core.
  unsigned workers = 0;
  /// NN of sm_NN, whose instructions may be used, where the gpu.module doesn't
  /// say; 0: any.
  unsigned architecture = 0;
};

class KernelEmulator {
public:
  /// Compiles the kernels that `entry` of `module` launches or calls. All
  /// ops that can't be emulated are reported. The module must outlive the
  /// emulator and not change.
  static mlir::FailureOr<std::unique_ptr<KernelEmulator>>
  create(mlir::ModuleOp module, llvm::StringRef entry,
         const EmulatorOptions &options = {});
  ~KernelEmulator();

  /// Runs the entry once: its memref arguments are `inputs`, then `outputs`,
  /// then `arena` if the entry has one more. Buffers are as large as the types
  /// say and disjoint. A fault is reported as an error at the op that commits
  /// it, and fails the run.
  mlir::LogicalResult run(llvm::ArrayRef<const void *> inputs,
                          llvm::ArrayRef<void *> outputs, void *arena);

  /// Bytes of the entry's memref arguments.
  llvm::SmallVector<int64_t> argumentBytes() const;

private:
  KernelEmulator();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace dyadic

#endif
