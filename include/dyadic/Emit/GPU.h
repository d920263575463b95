//===- GPU.h - code for NVIDIA GPUs and what launches it --------*- C++ -*-===//
//
// A program for a GPU is PTX, weights and a list of launches. Objects hold all
// three with a launcher (Runtime/gpu.c) behind the C interface of any other
// program.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EMIT_GPU_H
#define DYADIC_EMIT_GPU_H

#include "dyadic/Emit/MachineCode.h"

namespace dyadic {

/// The memories that a kernel's arguments may lie in.
enum class GPUSpace { Input, Output, Arena, Weights };

/// An argument of a launch: `bytes` bytes from `offset` on.
struct GPUArgument {
  GPUSpace space = GPUSpace::Arena;
  int64_t index = 0; // of the input or output
  int64_t offset = 0;
  int64_t bytes = 0;
};

struct GPULaunch {
  unsigned kernel = 0;
  unsigned grid[3] = {1, 1, 1};
  unsigned block[3] = {1, 1, 1};
  llvm::SmallVector<GPUArgument> arguments;
};

/// What `@<model>_run` of a level-5 module does on a GPU.
struct LaunchTable {
  std::vector<std::string> kernels;
  std::vector<GPULaunch> launches; // in order
};

/// Reads the launches of a level-5 module. Whatever else the function does is an
/// error: nothing of it runs on the host.
mlir::FailureOr<LaunchTable> readLaunches(mlir::ModuleOp module,
                                          const ProgramInfo &info);

/// Lowers the kernels of a level-5 module in place; see Passes.h.
mlir::LogicalResult lowerToNVVMDialect(mlir::ModuleOp module);

/// The kernels of a level-5 module, which is lowered in place, as PTX for
/// `options.target`.
mlir::FailureOr<std::string> emitPTX(mlir::ModuleOp module,
                                     const LaunchTable &table,
                                     const EmitOptions &options);

/// The path of ptxas: `given` if not empty, else from PATH, CUDA_HOME or
/// /usr/local/cuda; "" if there is none.
std::string findPtxas(llvm::StringRef given);

/// PTX as an ELF file for `arch` (sm_90). Needs ptxas; that there is none is an
/// error which says where it comes from. With `usage`, gets ptxas's report on
/// registers, shared memory and spills.
mlir::FailureOr<std::string> assemblePTX(llvm::StringRef ptx,
                                         llvm::StringRef arch,
                                         llvm::StringRef ptxas,
                                         mlir::Location loc,
                                         std::string *usage = nullptr);

/// `compile` for a GPU: PTX as its assembly, a cubin, or an object file for the
/// host that holds PTX, the cubins asked for and the launcher.
mlir::LogicalResult compileGPU(mlir::ModuleOp module, const ProgramInfo &info,
                               const EmitOptions &options, CodeKind kind,
                               llvm::SmallVectorImpl<char> &bytes);

} // namespace dyadic

#endif
