//===- Profile.h - where the time of a program goes -------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_PROFILE_H
#define DYADIC_PIPELINE_PROFILE_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// One kernel of a program, in execution order.
struct KernelTime {
  /// The op of the model that the kernel begins with, its function, and its
  /// first result's type.
  std::string name, function, type;
  /// Median of the runs.
  double seconds = 0;
  /// Multiply-adds; 0 of what is no contraction.
  int64_t macs = 0;
  /// What the location of that op was fused with, if anything.
  mlir::Attribute tag;
};

/// Runs the program in this process, `runs` times after some that don't count,
/// on the inputs given, and times each of its kernels. A clock is read behind
/// every kernel, so that the sum is a little more than a run without it.
mlir::FailureOr<std::vector<KernelTime>>
profile(Compilation &compilation, llvm::ArrayRef<HostTensor> inputs,
        int64_t runs);

/// The same for a copy of a module at level 1 or 2, on one thread of this machine.
/// `rounding` is that of requantizations; `integerOnly` as buildLowerToDyadicPipeline
/// has it.
mlir::FailureOr<std::vector<KernelTime>>
profileNetwork(mlir::ModuleOp network, llvm::StringRef rounding, bool integerOnly,
               llvm::ArrayRef<HostTensor> inputs, int64_t runs);

/// The same for a program at level 5, which is compiled in place; of what its
/// kernels are made of nothing is told.
mlir::FailureOr<std::vector<KernelTime>>
profileLoops(mlir::ModuleOp loops, const ProgramInfo &info,
             const EmitOptions &options, llvm::ArrayRef<HostTensor> inputs,
             int64_t runs);

} // namespace dyadic

#endif
