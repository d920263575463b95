//===- Program.h - anything that runs a compiled model ----------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_PROGRAM_H
#define DYADIC_PIPELINE_PROGRAM_H

#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/SharedModel.h"

namespace dyadic {

/// A model that can be run on samples, whatever runs it: code in this process,
/// a shared library, the interpreter of the integer dialect, that of GPU
/// kernels, or QEMU.
class Program {
public:
  virtual ~Program();
  const ProgramInfo &info() const { return program; }

  /// Results of one batch, in the order of `info().outputs`; `kept`, if not
  /// null, gets a tensor for each of `info().kept`.
  virtual mlir::FailureOr<llvm::SmallVector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> inputs, std::vector<HostTensor> *kept) = 0;

  /// The inputs as samples must have them.
  llvm::SmallVector<InputSpec> inputSpecs() const;

protected:
  ProgramInfo program;
};

/// Machine code of `compilation` in this process.
mlir::FailureOr<std::unique_ptr<Program>> makeJITProgram(Compilation &compilation);
/// The interpreter on level 4 of `compilation`, which must outlive the program.
mlir::FailureOr<std::unique_ptr<Program>>
makeInterpretedProgram(Compilation &compilation);
/// The GPU kernels of `compilation`, whose target is a GPU, on the CPU: slow, but
/// with every access checked. The compilation must outlive the program.
mlir::FailureOr<std::unique_ptr<Program>>
makeEmulatedProgram(Compilation &compilation);
/// An executable of `compilation` for another kind of machine, under QEMU.
mlir::FailureOr<std::unique_ptr<Program>>
makeForeignProgram(Compilation &compilation);
/// A shared library.
llvm::Expected<std::unique_ptr<Program>> makeSharedProgram(llvm::StringRef path);

} // namespace dyadic

#endif
