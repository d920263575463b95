//===- Strategy.cpp - who computes what on NVIDIA GPUs --------------------===//
#include "NVPTX.h"

#include "dyadic/Target/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace dyadic;
using namespace dyadic::nvptx;

namespace {
class NVIDIAGPU : public Target {
public:
  llvm::StringRef name() const override { return "nvptx"; }
  bool handles(const llvm::Triple &triple) const override {
    return triple.isNVPTX();
  }
  std::string defaultTriple() const override { return "nvptx64-nvidia-cuda"; }
  llvm::ArrayRef<KernelLevel> levels() const override;
  llvm::StringRef baselineCPU(const llvm::Triple &) const override {
    return "sm_80";
  }
  std::unique_ptr<WarpTarget>
  createWarps(const TargetInfo &info) const override {
    return std::make_unique<NVPTXTarget>(info);
  }
  bool isGPU() const override { return true; }
};
} // namespace

/// Each architecture is a feature of its own name; the first with byte products
/// on tensor cores is sm_75.
static constexpr llvm::StringLiteral architectures[] = {
    "sm_75",   "sm_80",   "sm_86",   "sm_87",  "sm_88",   "sm_89",   "sm_90",
    "sm_90a",  "sm_100",  "sm_100a", "sm_100f", "sm_101", "sm_101a", "sm_101f",
    "sm_103",  "sm_103a", "sm_103f", "sm_110", "sm_110a", "sm_110f", "sm_120",
    "sm_120a", "sm_120f", "sm_121",  "sm_121a", "sm_121f"};

llvm::ArrayRef<KernelLevel> NVIDIAGPU::levels() const {
  static const std::vector<KernelLevel> levels = [] {
    std::vector<KernelLevel> all;
    for (const llvm::StringLiteral &name : architectures)
      all.push_back({name, llvm::ArrayRef(&name, 1)});
    return all;
  }();
  return levels;
}

std::unique_ptr<Target> nvptx::makeTarget() {
  return std::make_unique<NVIDIAGPU>();
}

NVPTXTarget::NVPTXTarget(TargetInfo info) : WarpTarget(std::move(info)) {
  llvm::StringRef digits = getInfo().cpu;
  digits.consume_front("sm_");
  digits = digits.take_while(llvm::isDigit);
  if (digits.getAsInteger(10, version))
    version = 75;
}

/// What one thread does alone is not tiled.
RegisterTile NVPTXTarget::chooseTile(const ContractionShape &) const {
  return {};
}

/// Multiprocessors that there should be a block for: those of an A100 or H100
/// are between 108 and 132.
static constexpr int64_t kProcessors = 120;

static int64_t rowsOf(const ContractionShape &shape) {
  return shape.rows * shape.pixels;
}

ContractionForm NVPTXTarget::chooseForm(const ContractionShape &shape,
                                        int64_t groups) const {
  int64_t rows = rowsOf(shape);
  // One row: the weights are read once, by as many threads as possible. Words
  // are of bytes.
  if (rows <= 4 && shape.depth >= 64 && groups == 1 &&
      shape.operand != OperandKind::F32)
    return ContractionForm::Warps;
  // A fragment of 16 × 8 sums over 32 products would be mostly empty.
  if (rows < 8 || shape.channels < 8 || shape.depth < 16 ||
      shape.operand == OperandKind::F32)
    return ContractionForm::Threads;
  return ContractionForm::TensorCores;
}

/// Cycles of a processor for one slice of a tile: 2048 products a cycle, 48 bytes
/// from the second cache, 128 from the block's memory for each warp's fragments.
static double sliceCycles(const BlockTile &tile) {
  double products = double(tile.rows * tile.columns * tile.depth) / 2048;
  double copies = double((tile.rows + tile.columns) * tile.depth) / 48;
  double fragments =
      double(tile.warps() * (tile.warpRows + tile.warpColumns) * tile.depth) /
      128;
  return std::max({products, copies, fragments});
}

/// Blocks of about eight warps' worth share a processor.
static int64_t resident(const BlockTile &tile) {
  return std::max<int64_t>(1, 8 / tile.warps());
}

BlockTile NVPTXTarget::chooseBlockTile(const ContractionShape &shape,
                                       int64_t groups) const {
  // Large ones first: an activation is used by `columns` sums, a weight by
  // `rows`.
  static const BlockTile tiles[] = {
      {128, 128, 64, 64, 32, 3}, {128, 64, 64, 32, 32, 4},
      {64, 64, 64, 32, 32, 4},   {64, 32, 64, 16, 32, 4},
      {32, 64, 64, 16, 32, 4},   {32, 32, 64, 16, 32, 4},
      {32, 16, 64, 16, 16, 4},   {32, 8, 64, 16, 8, 4}};
  int64_t rows = rowsOf(shape);
  int64_t slices = llvm::divideCeil(shape.depth, tiles[0].depth);
  const BlockTile *best = nullptr;
  double bestCycles = 0;
  for (const BlockTile &tile : tiles) {
    int64_t rowTiles = llvm::divideCeil(rows, tile.rows);
    int64_t columnTiles = llvm::divideCeil(shape.channels, tile.columns);
    int64_t sums = tile.rows * tile.columns;
    int64_t blocks = rowTiles * columnTiles * groups;
    int64_t perProcessor = llvm::divideCeil(blocks, kProcessors);
    double cycles = slices * std::max(perProcessor * sliceCycles(tile), 120.0) +
                    1000.0 * llvm::divideCeil(perProcessor, resident(tile)) +
                    perProcessor * sums / 32.0;
    // Sums that nobody asked for.
    double surplus =
        double(rowTiles * columnTiles * sums) / (rows * shape.channels) - 1;
    cycles *= 1 + 0.05 * surplus;
    // Of nearly equal ones the larger: it reads less.
    if (!best || cycles < 0.97 * bestCycles) {
      best = &tile;
      bestCycles = cycles;
    }
  }
  BlockTile tile = *best;
  // A short sum needs no more tiles than it has.
  tile.stages =
      hasAsyncCopies() ? std::clamp<int64_t>(slices, 2, tile.stages) : 1;
  return tile;
}
