//===- Strategy.cpp - register tiles on x86 -------------------------------===//
#include "AMX.h"
#include "CoreModel.h"
#include "X86.h"

#include "dyadic/Target/Target.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;
using namespace dyadic::x86;

static constexpr llvm::StringLiteral avx2Features[] = {"avx2", "fma", "f16c",
                                                       "bmi2"};
static constexpr llvm::StringLiteral avxvnniFeatures[] = {
    "avx2", "fma", "f16c", "bmi2", "avxvnni"};
static constexpr llvm::StringLiteral avx512Features[] = {
    "avx512f",  "avx512bw", "avx512vl", "avx512dq", "avx512vnni",
    "avx2",     "fma",      "f16c",     "bmi2"};

static constexpr llvm::StringLiteral amxFeatures[] = {
    "amx-tile", "amx-int8", "avx512f",  "avx512bw", "avx512vl", "avx512dq",
    "avx512vnni", "avx2",   "fma",      "f16c",     "bmi2"};

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
                                         {"avxvnni", avxvnniFeatures},
                                         {"avx512vnni", avx512Features},
                                         {"amx", amxFeatures}};
    return levels;
  }
  llvm::StringRef baselineCPU(const llvm::Triple &) const override {
    return "x86-64";
  }
  std::unique_ptr<KernelTarget>
  createKernels(const TargetInfo &info) const override {
    if (info.level == "scalar")
      return scalar::createKernels(info);
    if (info.level == "amx")
      return std::make_unique<AMXTarget>(info);
    return std::make_unique<X86Target>(info);
  }
};
} // namespace

std::unique_ptr<Target> x86::makeTarget() {
  return std::make_unique<Machine>();
}

/// How far ahead a stream of weights is fetched: 2 to 4 KB measured best.
static constexpr int64_t kAhead = 4096;
/// More than these nobody measures.
static constexpr size_t kMaxCandidates = 12;

X86Target::X86Target(TargetInfo given) : KernelTarget(std::move(given)) {
  const TargetInfo &info = getInfo();
  lanesAreWide = info.level == "avx512vnni" || info.level == "amx";
  dot4 = lanesAreWide || info.has("avxvnni") ||
         (info.has("avx512vnni") && info.has("avx512vl"));
}

int64_t X86Target::reductionGroup(OperandKind kind) const {
  return 4 / byteWidth(kind);
}

/// A register of the widest level.
int64_t X86Target::packedColumns(const ContractionShape &shape) const {
  bool isPlain = shape.nibbles == Nibbles::None && shape.joinedGroups == 1;
  return isPlain ? 16 : 0;
}

namespace {
/// The cost model: what a shape costs with a tile on a core.
class CostModel {
public:
  CostModel(const ContractionShape &shape, const CoreModel &core, bool wide,
            bool pairs)
      : shape(shape), core(core), pairs(pairs), lanes(wide ? 16 : 8),
        products(wide ? core.products512 : core.products256),
        loads(wide ? core.loads512 : core.loads256),
        vectors(llvm::divideCeil(shape.channels, lanes)) {
    double width = byteWidth(shape.operand);
    column = double(shape.depth) * lanes * 
             (shape.nibbles == Nibbles::None ? width : 0.5);
    weights = column * vectors;
    pixel = double(shape.depth) * width;
    // Windows of k rows overlap about k-fold each way.
    activations = pixel * shape.rows * shape.pixels /
                  double(shape.segments * shape.segments);
    steps = double(shape.depth) * width / 4;
  }

  /// Cycles of the instructions, over all tiles and narrower last ones.
  double compute(int64_t p, int64_t v) const {
    auto step = [&](int64_t pixels, int64_t vectors) {
      double sums = pixels * vectors, read = pixels + vectors;
      // Without a dot product two products and two additions for each sum, and
      // three shifts for each vector of weights, on twice the ports that multiply;
      // six instructions a cycle are begun.
      double issue = pairs ? (4 * sums + 3 * vectors) / (2 * products) : sums / products;
      double begun = pairs ? (4 * sums + 4 * vectors + 2 * pixels + 3) / 6 : 0;
      // What comes behind the sums of a tile doesn't overlap with the next.
      return std::max({issue, begun, (pairs ? read + pixels : read) / loads,
                       core.latency}) *
                 steps + 3 * sums;
    };
    auto row = [&](int64_t vectors) {
      int64_t tail = shape.pixels % p;
      return double(shape.pixels / p) * step(p, vectors) +
             (tail ? step(tail, vectors) : 0);
    };
    return shape.rows * (double(vectors / v) * row(v) +
                         (vectors % v ? row(vectors % v) : 0));
  }

  /// Cycles of preparing activations of `bytes` each.
  double prepare(int64_t p, int64_t v, int64_t bytes, bool panelsOutermost) const {
    double vectorsOfOne = double(shape.depth) * bytes / (4 * lanes);
    double times = panelsOutermost ? double(llvm::divideCeil(vectors, v)) : 1;
    return 1.5 * vectorsOfOne * shape.rows * shape.pixels * times;
  }

  /// Cycles that bringing operands into the first cache takes.
  double memory(int64_t p, int64_t v, bool panelsOutermost) const {
    double tiles = double(shape.rows) * llvm::divideCeil(shape.pixels, p),
           panels = llvm::divideCeil(vectors, v);
    double panel = column * v, tile = pixel * p;
    // Once from where models have their weights, beyond the second cache.
    double first = weights / core.fromL3;
    if (panelsOutermost)
      return first + (tiles - 1) * weights / core.bandwidth(panel + tile) +
             (panels - 1) * activations / core.bandwidth(activations + panel);
    return first + (tiles - 1) * weights / core.bandwidth(weights + tile) +
           (panels - 1) * tiles * tile / core.bandwidth(tile + 2 * panel);
  }

  const ContractionShape &shape;
  const CoreModel &core;
  bool pairs;
  int64_t lanes;
  double products, loads;
  int64_t vectors; // of all channels
  double column, weights, pixel, activations, steps;
};
} // namespace

llvm::SmallVector<TileChoice>
X86Target::candidates(const ContractionShape &shape) const {
  const CoreModel &core = coreModel(getInfo());
  bool isInteger = !isFloat(shape.operand);
  bool pairs = isInteger && !hasDot();
  CostModel model(shape, core, isAVX512(), pairs);
  llvm::SmallVector<TileChoice> all;
  auto consider = [&](int64_t p, int64_t v, bool panels, const RegisterTile &form) {
    TileChoice choice;
    choice.tile = form;
    choice.tile.pixels = p;
    choice.tile.vectors = v;
    choice.tile.panelsOutermost = panels;
    // The next panel, while this one is used: it lies right behind. Whatever the
    // first cache doesn't hold, the rest of the network displaces until the next
    // inference. Where there is one pixel, only as far ahead as hides the latency.
    // A stream of packed weights comes as fast unasked, and prefetching takes what
    // decoding needs.
    if (form.form != SplitNibbles) {
      if (shape.rows * shape.pixels == 1)
        choice.tile.prefetch = model.weights > core.l2 / 2 ? kAhead : 0;
      else if (panels && model.weights > core.l1)
        choice.tile.prefetch = int64_t(model.column) * v;
    }
    choice.cycles = model.compute(p, v) +
                    model.prepare(p, v, form.preparedBytes, panels);
    choice.memory = model.memory(p, v, panels);
    all.push_back(choice);
  };
  for (const RegisterTile &form : forms(shape)) {
    // Registers beside the sums: weights, an activation, a product.
    int64_t scratch = form.form == Widened ? 2 : pairs ? 3 : 1;
    int64_t perVector = pairs ? 2 : 1;
    if (shape.nibbles != Nibbles::None) { // both halves, the table and the mask
      perVector += 1;
      scratch += 2;
    }
    for (int64_t v = 1; v <= std::min<int64_t>(model.vectors, 6); ++v) {
      // No tile but the first may begin amid a packed panel and leave it.
      int64_t columns = v * lanes(), packed = packedColumns(shape);
      if (packed && columns > packed && columns % packed && v < model.vectors)
        continue;
      for (int64_t p = 1; p <= std::min<int64_t>(shape.pixels, 14); ++p) {
        if (p * v + perVector * v + scratch > vectorRegisters() ||
            (p > 1 && p * shape.depth * form.preparedBytes > kMaxPrepared))
          break;
        consider(p, v, /*panels=*/false, form);
        consider(p, v, /*panels=*/true, form);
      }
    }
  }
  if (shape.windowTiles)
    all.push_back(transformedWindows(shape));
  // Of equals the one with more sums: it is the more tolerant of latency.
  auto key = [](const TileChoice &c) {
    return std::make_tuple(c.estimate(), -c.tile.pixels * c.tile.vectors,
                           c.tile.pixels, c.tile.panelsOutermost);
  };
  llvm::sort(all, [&](const TileChoice &a, const TileChoice &b) {
    return key(a) < key(b);
  });
  all.truncate(std::min<size_t>(all.size(), kMaxCandidates));
  return all;
}

/// So few results that decoding isn't hidden behind products.
bool X86Target::streamsNibbles(const ContractionShape &shape) const {
  return shape.nibbles == Nibbles::Numbers && shape.operand == OperandKind::U8 &&
         hasDot() && getInfo().level != "amx" && shape.rows * shape.pixels <= 2;
}

llvm::SmallVector<RegisterTile>
X86Target::forms(const ContractionShape &shape) const {
  RegisterTile form;
  form.group = form.depth = reductionGroup(shape.operand);
  if (shape.joinedGroups > 1) {
    form.depth = shape.segmentLength();
    form.form = JoinedGroups;
    return {form};
  }
  if (shape.nibbles != Nibbles::None) {
    form.depth *= 2;
    form.shortLastStep = true;
    form.weightShift = shape.nibbles == Nibbles::Numbers ? 4 : 0;
    if (streamsNibbles(shape)) {
      form.form = SplitNibbles;
      form.weightShift = 0;
      form.lowerOffset = 8;
    }
  }
  if (shape.operand == OperandKind::I8 && hasDot())
    form.activationOffset = -128;
  if (shape.operand == OperandKind::BF16)
    form.preparedBytes = 2;
  if (isFloat(shape.operand) || shape.nibbles != Nibbles::None ||
      (shape.operand == OperandKind::U8 && hasDot()))
    return {form};
  RegisterTile prepared = form;
  if (hasDot()) {
    prepared.preparedBytes = 1;
  } else {
    prepared.preparedBytes = 2;
    prepared.form = Widened;
  }
  // What needs more memory than that is changed in registers.
  if (shape.depth * prepared.preparedBytes > kMaxPrepared)
    return {form};
  return {prepared};
}

RegisterTile X86Target::chooseTile(const ContractionShape &shape) const {
  return candidates(shape).front().tile;
}
