//===- Strategy.cpp - register tiles on x86 -------------------------------===//
#include "X86.h"

#include "dyadic/Target/Target.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;
using namespace dyadic::x86;

static constexpr llvm::StringLiteral avx2Features[] = {"avx2", "fma", "f16c",
                                                       "bmi2"};
static constexpr llvm::StringLiteral avx512Features[] = {
    "avx512f",  "avx512bw", "avx512vl", "avx512dq", "avx512vnni",
    "avx2",     "fma",      "f16c",     "bmi2"};

namespace {
class Machine : public Target {
public:
  llvm::StringRef name() const override { return "x86"; }
  bool handles(const llvm::Triple &triple) const override {
    return triple.isX86_64();
  }
  std::string defaultTriple() const override {
    return "x86_64-unknown-linux-gnu";
  }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static const KernelLevel levels[] = {{"scalar", {}},
                                         {"avx2", avx2Features},
                                         {"avx512vnni", avx512Features}};
    return levels;
  }
  llvm::StringRef baselineCPU(const llvm::Triple &) const override {
    return "x86-64";
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    if (info.level == "scalar")
      return scalar::createKernels(info);
    return std::make_unique<X86Target>(info);
  }
};
} // namespace

std::unique_ptr<Target> x86::makeTarget() {
  return std::make_unique<Machine>();
}

int64_t X86Target::reductionGroup(OperandKind kind) const {
  return kind == OperandKind::F32 ? 1 : 4;
}

/// Cycles of one reduction step of a tile: a dot product a cycle, two loads a
/// cycle, and at least the latency of the dependent chain of sums.
static double stepCycles(int64_t pixels, int64_t vectors) {
  double latency = 5, loads = double(pixels + vectors) / 2;
  return std::max({double(pixels * vectors), loads, latency});
}

RegisterTile X86Target::chooseTile(const ContractionShape &shape) const {
  // Widened operands take twice the registers, and one for the products.
  bool widened = shape.operand != OperandKind::F32 && !usesVNNI(shape.operand);
  int64_t perVector = widened ? 2 : 1, scratch = widened ? 3 : 1;
  auto cycles = [&](int64_t p, int64_t v) -> std::optional<double> {
    if (p * v + perVector * v + scratch > vectorRegisters())
      return std::nullopt;
    return stepCycles(p, v);
  };
  RegisterTile tile =
      searchTiles(shape, lanes(), /*maxPixels=*/14, /*maxVectors=*/6, cycles).tile;
  tile.group = tile.depth = reductionGroup(shape.operand);
  return tile;
}
