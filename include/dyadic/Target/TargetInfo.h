//===- TargetInfo.h - what code is generated for ----------------*- C++ -*-===//
#ifndef DYADIC_TARGET_TARGETINFO_H
#define DYADIC_TARGET_TARGETINFO_H

#include "dyadic/Target/Strategy.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"

#include <memory>
#include <string>
#include <vector>

namespace dyadic {

class Target;

/// What a user asks for.
struct TargetRequest {
  /// A triple, or the name of a registered target; empty: this machine.
  std::string triple;
  /// `native` (this machine, by its feature bits), the name of a kernel level
  /// (`avx2`, `dotprod`, `sm_80`, …) or a CPU name that LLVM knows, each
  /// optionally followed by features: `x86-64-v3,+avxvnni`. `generic`: the
  /// weakest that the triple allows. Empty: native on this machine, generic on
  /// any other. Several with commas between, `avx2,avx512vnni,+gfni`, are variants.
  std::string cpu;
};

/// A target: LLVM's three strings and the kernels that they allow.
struct TargetInfo {
  std::string triple;
  std::string cpu;      // LLVM's name, "x86-64" where only features count
  std::string features; // "+avx2,+fma,…": added to those of the CPU
  const Target *target = nullptr;
  /// The strongest of the target's kernel levels that the features allow.
  std::string level;
  /// The features that are on, those of the CPU included.
  llvm::StringSet<> enabled;
  /// LLVM's name of the processor whose caches and ports cost models assume; empty
  /// where only features are known.
  std::string model;
  /// Contractions of floats round both operands to bf16.
  bool bf16 = false;
  /// Measured choices that go before those of the cost model, if there are any.
  std::shared_ptr<const TileChoices> tuned;

  bool has(llvm::StringRef feature) const { return enabled.contains(feature); }
  /// "+avx2,+fma": what a machine must have to run this code, as far as programs
  /// can find out (CPUFeatures.def).
  std::string required() const;
};

/// Finds the target. Unknown triples, CPUs and features are errors at `loc`
/// that list near names.
mlir::FailureOr<TargetInfo> resolveTarget(const TargetRequest &request,
                                          mlir::Location loc);
/// The targets of a request that may name several CPUs, weakest level first. All
/// wrong names are reported.
mlir::FailureOr<std::vector<TargetInfo>>
resolveVariants(const TargetRequest &request, mlir::Location loc);
/// `resolveTarget` for this machine's kind of processor.
inline mlir::FailureOr<TargetInfo> resolveTarget(llvm::StringRef cpu,
                                                 mlir::Location loc) {
  return resolveTarget(TargetRequest{"", cpu.str()}, loc);
}

/// Whether this machine runs code for `target`; otherwise what is missing.
bool hostSupports(const TargetInfo &target, std::string &missing);

} // namespace dyadic

#endif
