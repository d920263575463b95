//===- TargetInfo.h - what code is generated for ----------------*- C++ -*-===//
#ifndef DYADIC_TARGET_TARGETINFO_H
#define DYADIC_TARGET_TARGETINFO_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace dyadic {

/// The instruction sets that kernels are written for, weakest first. Each
/// includes those before it.
enum class ISA { Scalar, AVX2, AVX512VNNI };

llvm::StringRef name(ISA isa);

/// A target: LLVM's three strings and the kernels that they allow.
struct TargetInfo {
  std::string triple;
  std::string cpu;      // LLVM's name, "x86-64" where only features count
  std::string features; // "+avx2,+fma,…"
  ISA isa = ISA::Scalar;
  /// AVX512-VBMI: 256-entry tables of bytes in registers.
  bool hasVBMI = false;

  /// 32-bit lanes of a vector register; 1 for plain loops.
  int64_t lanes() const;
  /// Architectural vector registers that a register tile may use.
  int64_t vectorRegisters() const;
};

/// The target that `--cpu` names: `native` (this machine, by CPUID bits),
/// `scalar`, `avx2`, `avx512vnni`, or a CPU name that LLVM knows, each
/// optionally followed by features: `x86-64-v3,+avxvnni`. An unknown name or
/// feature is an error at `loc` that lists near ones.
mlir::FailureOr<TargetInfo> resolveTarget(llvm::StringRef cpu,
                                          mlir::Location loc);

/// Whether this machine runs code for `target`; otherwise the feature that is
/// missing.
bool hostSupports(const TargetInfo &target, std::string &missing);

} // namespace dyadic

#endif
