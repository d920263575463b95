//===- Strategy.cpp - tiles of the portable target ------------------------===//
#include "Scalar.h"

#include "dyadic/Target/Target.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;
using namespace dyadic::scalar;

namespace {
/// Whatever LLVM generates code for.
class PortableTarget : public Target {
public:
  llvm::StringRef name() const override { return "portable"; }
  bool handles(const llvm::Triple &) const override { return true; }
  std::string defaultTriple() const override {
    return llvm::sys::getProcessTriple();
  }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static const KernelLevel levels[] = {{"scalar", {}}};
    return levels;
  }
  llvm::StringRef baselineCPU(const llvm::Triple &triple) const override {
    return triple.isRISCV64() ? "generic-rv64"
           : triple.isRISCV() ? "generic-rv32"
           // The name says that there is an FPU; this is the least of them.
           : triple.getSubArch() == llvm::Triple::ARMSubArch_v7em &&
                   triple.getEnvironment() == llvm::Triple::EABIHF
               ? "cortex-m4"
           : triple.isX86_64() ? "x86-64"
                               : "generic";
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    return scalar::createKernels(info);
  }
};
} // namespace

std::unique_ptr<Target> portable::makeTarget() {
  return std::make_unique<PortableTarget>();
}

std::unique_ptr<KernelTarget> scalar::createKernels(const TargetInfo &info) {
  return std::make_unique<ScalarTarget>(info);
}

RegisterTile ScalarTarget::chooseTile(const ContractionShape &shape) const {
  // Eight sums, four activations and a weight fit sixteen registers.
  RegisterTile tile;
  tile.pixels = std::min<int64_t>(shape.pixels, 4);
  tile.vectors = std::min<int64_t>(shape.channels, 2);
  return tile;
}
