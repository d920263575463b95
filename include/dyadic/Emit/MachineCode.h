//===- MachineCode.h - LLVM IR and machine code of a program ----*- C++ -*-===//
#ifndef DYADIC_EMIT_MACHINECODE_H
#define DYADIC_EMIT_MACHINECODE_H

#include "dyadic/Emit/ProgramInfo.h"
#include "dyadic/Target/TargetInfo.h"

#include "llvm/ADT/SmallVector.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
class Triple;
} // namespace llvm

namespace dyadic {

/// What only programs for a GPU need.
struct GPUOptions {
  /// The machine whose objects launch the kernels.
  TargetInfo host;
  /// Cubins to carry besides PTX: sm_80, sm_90a, …
  std::vector<std::string> cubins;
  /// The path of ptxas; empty: where it usually is.
  std::string ptxas;
  /// Runs bring the arena back, for whoever reads kept tensors from it.
  bool keepAll = false;
  /// The same program as a level-5 module for the host, its functions prefixed
  /// `<name>_cpu`, for machines without a GPU; null: there an error.
  mlir::ModuleOp fallback;
};

struct EmitOptions {
  TargetInfo target;
  /// Several CPUs in one object, weakest first, `target` the first of them
  /// (Variants.h). Empty: `target` alone.
  std::vector<TargetInfo> variants;
  /// 0 to 3, as the option -O of compilers.
  unsigned optLevel = 3;
  /// Defines `dyadic_main_model`, by which the main function of an executable
  /// finds its model. Two such objects can't be linked into one program.
  bool forExecutable = false;
  /// How many threads the module's functions were generated for. More than one
  /// needs an OpenMP runtime, which executables and libraries are linked with.
  int64_t threads = 1;
  /// Executables need no shared library.
  bool isStatic = false;
  GPUOptions gpu;
};

enum class CodeKind { Object, Assembly, Cubin };

/// Whether there is no operating system, and so no C library to rely on.
bool isBareMetal(const llvm::Triple &triple);

/// A machine for position-independent code (not on bare metal) that never fuses a multiplication
/// with an addition unless the program says fma. An unknown triple or CPU is an
/// error.
mlir::FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const EmitOptions &options, mlir::Location loc);

/// Level 6 to LLVM IR: everything but `<name>_run` becomes internal, every
/// function gets the target's CPU and features, and the symbols that
/// dyadic_model.h describes are added: `<name>_invoke` and `<name>_info`.
mlir::FailureOr<std::unique_ptr<llvm::Module>>
translateToLLVMIR(mlir::ModuleOp module, const ProgramInfo &info,
                  const EmitOptions &options, llvm::TargetMachine &machine,
                  llvm::LLVMContext &context);

/// LLVM's optimizer, as configured for kernels that are already vectorized.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned optLevel);

/// The bytes of an object file or the text of an assembly file.
mlir::LogicalResult emitMachineCode(llvm::Module &module,
                                    llvm::TargetMachine &machine, CodeKind kind,
                                    llvm::SmallVectorImpl<char> &bytes,
                                    mlir::Location loc);

/// All of the above, from level 5 on, which `module` is lowered out of.
mlir::LogicalResult compile(mlir::ModuleOp module, const ProgramInfo &info,
                            const EmitOptions &options, CodeKind kind,
                            llvm::SmallVectorImpl<char> &bytes);

} // namespace dyadic

#endif
