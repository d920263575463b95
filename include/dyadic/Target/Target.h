//===- Target.h - a kind of machine, and the registry of them ---*- C++ -*-===//
//
// Everything that the compiler asks of a kind of machine. X86, ARM, NVPTX and
// the portable target are built in; a program that links Dyadic adds its own
// with registerTarget.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_TARGET_H
#define DYADIC_TARGET_TARGET_H

#include "dyadic/Target/TargetInfo.h"

#include "llvm/ADT/ArrayRef.h"

#include <memory>

namespace llvm {
class Triple;
}

namespace dyadic {

class KernelTarget;
class WarpTarget;

/// A set of kernels and the LLVM features that their instructions need.
struct KernelLevel {
  llvm::StringLiteral name;
  llvm::ArrayRef<llvm::StringLiteral> features;
};

class Target {
public:
  virtual ~Target();

  /// What `--target` may say instead of a triple.
  virtual llvm::StringRef name() const = 0;
  virtual bool handles(const llvm::Triple &triple) const = 0;
  /// The triple that the name stands for.
  virtual std::string defaultTriple() const = 0;

  /// Weakest first; each includes those before it. The first needs nothing.
  virtual llvm::ArrayRef<KernelLevel> levels() const = 0;
  /// LLVM's name of the weakest CPU of a triple, which levels add features to.
  virtual llvm::StringRef baselineCPU(const llvm::Triple &triple) const;

  /// The register tiles of `info`'s level; null for a GPU.
  virtual std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const;
  /// The warp tiles of a GPU; null for a CPU.
  virtual std::unique_ptr<WarpTarget> createWarps(const TargetInfo &info) const;
  virtual bool isGPU() const { return false; }
};

/// Adds a target, which is asked before those that were there. Not to be called
/// while a compilation runs.
void registerTarget(std::unique_ptr<Target> target);

/// All targets, the portable one last: it handles every triple.
std::vector<const Target *> registeredTargets();

namespace portable {
std::unique_ptr<Target> makeTarget();
}
namespace x86 {
std::unique_ptr<Target> makeTarget();
}
namespace arm {
std::unique_ptr<Target> makeTarget();
}
namespace nvptx {
std::unique_ptr<Target> makeTarget();
}

} // namespace dyadic

#endif
