//===- Strategy.cpp - tiles of NVIDIA GPUs --------------------------------===//
#include "dyadic/Target/Target.h"
#include "dyadic/Target/WarpTarget.h"

#include "llvm/TargetParser/Triple.h"

using namespace dyadic;

namespace {
class Machine : public Target {
public:
  llvm::StringRef name() const override { return "nvptx"; }
  bool handles(const llvm::Triple &triple) const override {
    return triple.isNVPTX();
  }
  std::string defaultTriple() const override { return "nvptx64-nvidia-cuda"; }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static constexpr llvm::StringLiteral sm80[] = {"sm_80"}, sm86[] = {"sm_86"},
                                         sm90[] = {"sm_90"};
    static const KernelLevel levels[] = {
        {"sm_75", {}}, {"sm_80", sm80}, {"sm_86", sm86}, {"sm_90", sm90}};
    return levels;
  }
  llvm::StringRef baselineCPU(const llvm::Triple &) const override {
    return "sm_75";
  }
  std::unique_ptr<WarpTarget>
  createWarps(const TargetInfo &info) const override {
    return std::make_unique<WarpTarget>(info);
  }
  bool isGPU() const override { return true; }
};
} // namespace

std::unique_ptr<Target> nvptx::makeTarget() {
  return std::make_unique<Machine>();
}
