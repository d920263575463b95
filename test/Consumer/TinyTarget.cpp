//===- TinyTarget.cpp - a target of an outside project --------------------===//
#include "Outside.h"

#include "dyadic/Target/ScalarTarget.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;

namespace {
/// Dot products and requantization are the portable ones; what is different is
/// how many sums it keeps.
class TinyKernels : public scalar::ScalarTarget {
public:
  using ScalarTarget::ScalarTarget;
  RegisterTile chooseTile(const ContractionShape &shape) const override {
    RegisterTile tile = ScalarTarget::chooseTile(shape);
    tile.pixels = 1;
    tile.vectors = 3;
    return tile;
  }
};

class TinyTarget : public Target {
public:
  llvm::StringRef name() const override { return "tiny"; }
  bool handles(const llvm::Triple &triple) const override {
    return triple.getVendorName() == "tiny";
  }
  std::string defaultTriple() const override {
    llvm::Triple triple(llvm::sys::getProcessTriple());
    triple.setVendorName("tiny");
    return triple.str();
  }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static const KernelLevel levels[] = {{"tiny", {}}};
    return levels;
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    return std::make_unique<TinyKernels>(info);
  }
};
} // namespace

std::unique_ptr<Target> outside::makeTinyTarget() {
  return std::make_unique<TinyTarget>();
}
