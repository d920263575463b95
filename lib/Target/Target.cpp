//===- Target.cpp - the registry of targets -------------------------------===//
#include "dyadic/Target/Target.h"

#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/WarpTarget.h"

#include "llvm/TargetParser/Triple.h"

using namespace dyadic;

Target::~Target() = default;

llvm::StringRef Target::baselineCPU(const llvm::Triple &) const {
  return "generic";
}

std::unique_ptr<KernelTarget> Target::createKernels(const TargetInfo &) const {
  return nullptr;
}

std::unique_ptr<WarpTarget> Target::createWarps(const TargetInfo &) const {
  return nullptr;
}

/// The last one added comes first.
static std::vector<std::unique_ptr<Target>> &registry() {
  static std::vector<std::unique_ptr<Target>> targets = [] {
    std::vector<std::unique_ptr<Target>> builtIn;
    builtIn.push_back(x86::makeTarget());
    builtIn.push_back(arm::makeTarget());
    builtIn.push_back(nvptx::makeTarget());
    builtIn.push_back(portable::makeTarget());
    return builtIn;
  }();
  return targets;
}

void dyadic::registerTarget(std::unique_ptr<Target> target) {
  registry().insert(registry().begin(), std::move(target));
}

std::vector<const Target *> dyadic::registeredTargets() {
  std::vector<const Target *> targets;
  for (const auto &target : registry())
    targets.push_back(target.get());
  return targets;
}
