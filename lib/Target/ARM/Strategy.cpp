//===- Strategy.cpp - register tiles on ARM64 -----------------------------===//
#include "ARM.h"

#include "dyadic/Target/Target.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;
using namespace dyadic::arm;

static constexpr llvm::StringLiteral neonFeatures[] = {"neon"};
static constexpr llvm::StringLiteral dotFeatures[] = {"neon", "dotprod"};
static constexpr llvm::StringLiteral matrixFeatures[] = {"neon", "dotprod",
                                                         "i8mm"};

namespace {
class Machine : public Target {
public:
  llvm::StringRef name() const override { return "arm"; }
  bool handles(const llvm::Triple &triple) const override {
    // Lanes are numbered as memory is.
    return triple.isAArch64() && triple.isLittleEndian();
  }
  std::string defaultTriple() const override {
    return "aarch64-unknown-linux-gnu";
  }
  llvm::ArrayRef<KernelLevel> levels() const override {
    static const KernelLevel levels[] = {{"scalar", {}},
                                         {"neon", neonFeatures},
                                         {"dotprod", dotFeatures},
                                         {"i8mm", matrixFeatures}};
    return levels;
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    if (info.level == "scalar")
      return scalar::createKernels(info);
    return std::make_unique<ARMTarget>(info);
  }
};
} // namespace

std::unique_ptr<Target> arm::makeTarget() {
  return std::make_unique<Machine>();
}

static constexpr int64_t kRegisters = 32;

/// Steps of `depth` products that a segment takes, the last one in parts of
/// `group`.
static double stepsOf(const ContractionShape &shape, int64_t depth,
                      int64_t group) {
  int64_t length = shape.segmentLength();
  return double(shape.segments) *
         (length / depth + double(llvm::divideCeil(length % depth, group)) *
                               group / depth);
}

/// Cycles of one step: two vector instructions, two loads and three of both a
/// cycle. Loads always cost something: cores in order issue them instead of a
/// product.
static double stepCycles(double instructions, double loads) {
  return std::max({instructions / 2, loads / 2, (instructions + loads) / 3}) +
         loads / 8;
}

/// Register tiles of one form for bytes, 16 products a step.
static TileChoice searchForm(const ContractionShape &shape, Form form,
                             bool subtracts) {
  // More sums a pixel for few pixels: the latency of four cycles must be hidden
  // behind others.
  int64_t maxVectors = shape.pixels == 1 ? 12 : 6;
  int64_t group = form == Elements ? 4 : form == Matrices ? 8 : 16;
  double steps = stepsOf(shape, 16, form == Pairs ? 8 : group);
  auto cycles = [&](int64_t p, int64_t v) -> std::optional<double> {
    double loads = p + 4 * v, once = subtracts ? p : 0, count = 0, chain = 0;
    int64_t registers = 0;
    switch (form) {
    case Elements: // and the constant that is subtracted
      registers = p * v + p + 2 + subtracts;
      count = 4 * p * v + once;
      chain = 4;
      break;
    case Matrices: {
      int64_t pairs = llvm::divideCeil(p, 2);
      registers = pairs * 2 * v + 2 * pairs + 2;
      // Halves of two pixels are put together in one register.
      count = 2 * (pairs * 2 * v + pairs);
      chain = 2 * 3;
      break;
    }
    case Pairs:
      // With more sums LLVM's schedulers hoist more products than there are
      // registers for.
      if (p > 3 || v > (p == 1 ? 2 : 1))
        return std::nullopt;
      count = 3 * 4 * p * v + once;
      chain = 1;
      break;
    }
    if (registers > kRegisters)
      return std::nullopt;
    return std::max(stepCycles(count, loads), chain) * steps;
  };
  TileChoice choice = searchTiles(shape, 4, /*maxPixels=*/12, maxVectors, cycles);
  choice.tile.form = form;
  choice.tile.group = group;
  choice.tile.depth = 16;
  choice.tile.shortLastStep = choice.tile.keepLoops = true;
  choice.tile.activationOffset = subtracts ? 128 : 0;
  choice.tile.weightShift = shape.nibbles == Nibbles::Numbers ? 4 : 0;
  return choice;
}

RegisterTile ARMTarget::chooseTile(const ContractionShape &shape) const {
  if (shape.operand == OperandKind::F32) {
    // Four products a step.
    auto cycles = [&](int64_t p, int64_t v) -> std::optional<double> {
      if (p * v + p + 2 > kRegisters)
        return std::nullopt;
      // Sums depend on each other, four cycles apart.
      return std::max(stepCycles(4 * p * v, p + 4 * v), 4.0 * 4);
    };
    RegisterTile tile =
        searchTiles(shape, lanes(), /*maxPixels=*/12,
                    /*maxVectors=*/shape.pixels == 1 ? 12 : 6, cycles)
            .tile;
    tile.depth = 4;
    tile.shortLastStep = tile.keepLoops = true;
    return tile;
  }
  bool isUnsigned = shape.operand == OperandKind::U8;
  if (!hasDot)
    return searchForm(shape, Pairs, isUnsigned).tile;
  TileChoice elements = searchForm(shape, Elements, isUnsigned && !hasMatrix);
  if (!hasMatrix)
    return elements.tile;
  TileChoice matrices = searchForm(shape, Matrices, /*subtracts=*/false);
  return matrices.cycles < elements.cycles ? matrices.tile : elements.tile;
}

DepthwiseTile ARMTarget::chooseDepthwise(const DepthwiseShape &shape) const {
  if (shape.operand == OperandKind::F32)
    return {std::min<int64_t>(shape.columns, 8), lanes()};
  // Half a register of bytes: smull takes no more, and LLVM would take whole
  // ones apart outside of the loop. Filters of many taps leave room for fewer
  // sums.
  DepthwiseTile tile;
  tile.channels = 8;
  tile.pixels = std::min<int64_t>(
      shape.columns, shape.kernelRows * shape.kernelColumns > 16 ? 2 : 4);
  tile.activationOffset = shape.operand == OperandKind::U8 ? 128 : 0;
  return tile;
}
