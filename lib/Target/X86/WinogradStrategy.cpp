//===- WinogradStrategy.cpp - what transformed windows cost ---------------===//
//
// A tile of 4×4 results takes 36 products of 16-bit numbers a channel, instead of 144
// of bytes. For that its windows, its sums and all weights are transformed. Cycles of
// those were measured on a core that takes registers of 512 bits in two halves; others,
// and registers of 256 bits, take about 0.7 of the time.
//
//===----------------------------------------------------------------------===//
#include "CoreModel.h"
#include "X86.h"

#include "llvm/Support/MathExtras.h"

using namespace dyadic;
using namespace dyadic::x86;

/// Sums of transformed windows, and products of one channel's taps.
static constexpr int64_t kSums = 36, kRows = 6, kTaps = 9;
/// Cycles of a register's windows, of its sums (with what comes behind them) and of its
/// weights.
static constexpr double kWindow = 130, kResults = 150, kWeights = 100;

TileChoice X86Target::transformedWindows(const ContractionShape &shape) const {
  const CoreModel &core = coreModel(getInfo());
  double products = isAVX512() ? core.products512 : core.products256,
         loads = isAVX512() ? core.loads512 : core.loads256,
         // Half a register's load, as a part of the product; or one of its own.
         broadcast = (isAVX512() ? 0.5 : 1) / loads,
         pace = isAVX512() && core.products512 < 2 ? 1 : 0.7;
  int64_t depth = shape.depth / kTaps, tiles = shape.windowTiles,
          inputs = llvm::divideCeil(depth, 2 * lanes());
  // The last register may be half a one.
  double vectors = double(llvm::divideCeil(shape.channels, narrowLanes())) *
                   narrowLanes() / lanes();
  TileChoice choice;
  RegisterTile &tile = choice.tile;
  tile.group = tile.depth = reductionGroup(shape.operand);
  // Six sums of each: the others have weights, an activation and, without vpdpwssd, a
  // product.
  tile.pixels = std::min<int64_t>(tiles, vectorRegisters() / (kRows + 2));
  double filters = 2.0 * kSums * depth * shape.channels,
         windows = 2.0 * kSums * depth;
  // Transformed weights stay in the second cache, or else all activations do.
  double room = filters <= core.l2 / 2 ? core.l2 / 8 : core.l2 / 2;
  int64_t blocks = llvm::divideCeil(windows * tiles, room);
  tile.windowTiles = llvm::alignTo(llvm::divideCeil(tiles, blocks), tile.pixels);

  double sums = kRows * tile.pixels;
  // Of two channels in a column.
  double step = std::max(sums / products, kRows / loads + sums * broadcast);
  choice.cycles = shape.windowSums / sums * (depth / 2) * vectors * step +
                  pace * tiles * (vectors * kResults + inputs * kWindow) +
                  pace * kWeights * depth / 2 * vectors;
  double filterColumn = 2.0 * kRows * depth * lanes();
  choice.memory = kTaps * double(depth) * shape.channels / core.fromL3 +
                  double(tiles) / tile.pixels * filters / core.bandwidth(filterColumn);
  return choice;
}
