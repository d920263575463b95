//===- Strategy.cpp - register tiles on ARM64 -----------------------------===//
#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/Target.h"

#include "llvm/TargetParser/Triple.h"

using namespace dyadic;

namespace {
class Machine : public Target {
public:
  llvm::StringRef name() const override { return "arm"; }
  bool handles(const llvm::Triple &triple) const override {
    return triple.isAArch64();
  }
  std::string defaultTriple() const override {
    return "aarch64-unknown-linux-gnu";
  }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static const KernelLevel levels[] = {{"scalar", {}}};
    return levels;
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    return scalar::createKernels(info);
  }
};
} // namespace

std::unique_ptr<Target> arm::makeTarget() {
  return std::make_unique<Machine>();
}
