//===- JIT.h - a program compiled into this process -------------*- C++ -*-===//
//
// Calibration and evaluation run models at the speed of compiled code. The
// weights stay where they are: the code refers to them by address, so LLVM
// never sees their bytes.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EMIT_JIT_H
#define DYADIC_EMIT_JIT_H

#include "dyadic/Emit/MachineCode.h"

#include "llvm/ADT/ArrayRef.h"

namespace dyadic {

class JITProgram {
public:
  /// Compiles a level-5 module, which is lowered in place. The module's context
  /// must outlive the program: it may own the weights. `options.target` must be
  /// the machine this runs on.
  /// Functions that it calls and doesn't define are given by `symbols`.
  using Symbols = llvm::ArrayRef<std::pair<llvm::StringRef, void *>>;
  static mlir::FailureOr<std::unique_ptr<JITProgram>>
  create(mlir::ModuleOp module, ProgramInfo info, const EmitOptions &options,
         Symbols symbols = {});
  ~JITProgram();

  const ProgramInfo &info() const { return program; }

  /// Runs once. Buffers are in the order of `info()`, disjoint and as large as
  /// it says; the arena has `arenaBytes` and is aligned to 64. Several threads
  /// may run at once, each with its own arena.
  void run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs,
           void *arena) const {
    invoke(inputs.data(), outputs.data(), arena);
  }

  /// The same on tensors, with an arena of the program's own that keeps what it
  /// had from run to run; shapes and kinds must be those of `info()`. One
  /// thread at a time.
  mlir::FailureOr<llvm::SmallVector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> inputs, mlir::Location loc);

  /// A kept tensor after the last `run` on tensors.
  HostTensor kept(const TensorInfo &tensor) const;

private:
  JITProgram();

  struct Impl; // LLVM's part, and weights that had to be copied
  std::unique_ptr<Impl> impl;
  ProgramInfo program;
  void (*invoke)(const void *const *, void *const *, void *) = nullptr;
  std::unique_ptr<char, void (*)(void *)> arena;
};

} // namespace dyadic

#endif
