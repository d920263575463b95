//===- GPUTable.h - a program for a GPU as constants ------------*- C++ -*-===//
#ifndef DYADIC_EMIT_GPU_GPUTABLE_H
#define DYADIC_EMIT_GPU_GPUTABLE_H

#include "dyadic/Emit/GPU.h"

namespace llvm {
class Module;
}

namespace dyadic {

/// PTX, or an ELF file of ptxas.
struct GPUImage {
  std::string bytes;
  std::string arch; // sm_80, sm_90a
  bool isBinary = false;
};

/// The architecture that a target's code is for, "sm_80".
std::string gpuArch(const TargetInfo &target);

/// Adds `dyadic_gpu_model` as Runtime/gpu_model.h declares it. `<name>_info` must
/// be there; `fallback` is the name of an invoke function, or empty.
void addGPUTable(llvm::Module &module, const ProgramInfo &info,
                 const LaunchTable &table, llvm::ArrayRef<GPUImage> images,
                 llvm::StringRef weights, llvm::StringRef fallback,
                 bool keepAll);

} // namespace dyadic

#endif
