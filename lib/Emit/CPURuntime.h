//===- CPURuntime.h - what an object asks its machine for -------*- C++ -*-===//
#ifndef DYADIC_EMIT_CPURUNTIME_H
#define DYADIC_EMIT_CPURUNTIME_H

#include "mlir/Support/LLVM.h"

namespace llvm {
class Constant;
class Function;
class Module;
class Triple;
} // namespace llvm

namespace dyadic {

/// Whether objects for `triple` can find out what their machine has.
bool hasCPURuntime(const llvm::Triple &triple);

/// Adds Runtime/cpu.c to `module`, once: private functions for the weakest
/// machine of the module's triple, which must have it.
void linkCPURuntime(llvm::Module &module);

/// Adds the functions of a runtime file, embedded as bitcode, to `module`: those
/// for its kind of machine.
void linkBitcode(llvm::Module &module, llvm::ArrayRef<unsigned char> x86,
                 llvm::ArrayRef<unsigned char> arm);

/// Marks `function` as code for the weakest machine, as cpu.c's own is.
void makeBaseline(llvm::Function &function);

/// Adds `int <name>_supported(void)`. Returns what tells the missing feature of
/// "+a,+b", `const char *(*)(void)`; a null pointer when nothing can be missing
/// or found out.
llvm::Constant *addSupportCheck(llvm::Module &module, llvm::StringRef name,
                                llvm::StringRef features);

} // namespace dyadic

#endif
