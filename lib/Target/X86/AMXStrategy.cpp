//===- AMXStrategy.cpp - which tiles of AMX, and whether any --------------===//
//
// A step of m × n tiles: m loads of activations, n of weights, m·n products. The
// figures were measured on a server with AMX: a product takes 16 cycles with 16
// rows, hardly fewer with less, and 52 until its sum may be added to; a load
// takes 8 cycles, a store 16.
//
//===----------------------------------------------------------------------===//
#include "AMX.h"
#include "CoreModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <tuple>

using namespace dyadic;
using namespace dyadic::x86;

static constexpr int64_t kRows = 16, kColumns = 16, kDepthBytes = 64;
static constexpr double kLoad = 8, kStore = 16, kLatency = 52,
                        kConfigure = 160;
/// What the first cache keeps while the other operand passes it by.
static constexpr double kStays = 40 * 1024;

namespace {
class TileModel {
public:
  TileModel(const ContractionShape &shape, const CoreModel &core)
      : shape(shape), core(core),
        steps(shape.segments *
              llvm::divideCeil(shape.segmentLength() * byteWidth(shape.operand),
                               kDepthBytes)) {}

  /// Cycles of the instructions of `m` × `n` tiles of `rows` rows, and of a
  /// panel with fewer columns at the end.
  double compute(int64_t rows, int64_t m, int64_t n) const {
    auto tile = [&](int64_t n) {
      double product = 7 + 9.0 / 16 * rows;
      // Loads do not hide wholly behind products.
      double step = std::max({m * n * product, (m + n) * kLoad, kLatency}) +
                    0.1 * (m + n) * kLoad;
      // A bias, the store, three cycles for each vector of results.
      return steps * step + m * n * (kLoad + kStore + 3.0 * rows);
    };
    int64_t vectors = llvm::divideCeil(shape.channels, kColumns);
    return kConfigure +
           tiles(rows * m) * (double(vectors / n) * tile(n) +
                              (vectors % n ? tile(vectors % n) : 0));
  }

  /// Cycles of bringing weights and activations near, once and again.
  double memory(int64_t rows, int64_t m, int64_t n, bool panelsOutermost) const {
    double depth = double(shape.depth) * byteWidth(shape.operand);
    double weights = depth * shape.channels,
           activations = depth * shape.rows * shape.pixels /
                         double(shape.segments * shape.segments);
    // Windows of neighbouring pixels overlap.
    double panel = depth * n * kColumns,
           tile = depth * rows * m / double(shape.segments);
    double panels = llvm::divideCeil(shape.channels, n * kColumns);
    double first = weights / core.fromL3, again = (tiles(rows * m) - 1) * weights;
    if (panelsOutermost)
      return first + (panel <= kStays ? 0 : again / core.bandwidth(panel + tile)) +
             (panels - 1) * activations / core.bandwidth(activations + panel);
    double reread = (panels - 1) * tiles(rows * m) * tile;
    return first + again / core.bandwidth(weights + tile) +
           (tile <= kStays ? 0 : reread / core.bandwidth(tile + 2 * panel));
  }

private:
  double tiles(int64_t pixels) const {
    return double(shape.rows) * llvm::divideCeil(shape.pixels, pixels);
  }

  const ContractionShape &shape;
  const CoreModel &core;
  double steps;
};
} // namespace

llvm::SmallVector<TileChoice>
AMXTarget::candidates(const ContractionShape &shape) const {
  llvm::SmallVector<TileChoice> all = X86Target::candidates(shape);
  bool rounds = shape.operand == OperandKind::BF16;
  // One row reads weights as fast as they come, with any instruction.
  if (!shape.matrices || shape.rows * shape.pixels == 1 || shape.operand == OperandKind::F32 ||
      shape.nibbles != Nibbles::None || shape.joinedGroups > 1 || (rounds && !getInfo().has("amx-bf16")))
    return all;
  int64_t width = byteWidth(shape.operand);
  size_t most = all.size();
  TileModel model(shape, coreModel(getInfo()));
  // Sums, and beside them one register for each operand of a product at least:
  // eight in all.
  static constexpr std::pair<int64_t, int64_t> blocks[] = {
      {2, 2}, {1, 4}, {4, 1}, {1, 2}, {2, 1}, {1, 1}};
  int64_t vectors = llvm::divideCeil(shape.channels, kColumns);
  for (auto [m, n] : blocks) {
    if (n > vectors || shape.pixels < m)
      continue;
    // Of all numbers of rows that divide the pixels as often, the least.
    int64_t rows = std::min(kRows, shape.pixels / m);
    if (rounds)
      rows = std::clamp<int64_t>(kMaxPrepared / (2 * shape.depth * m), 1, rows);
    int64_t times = llvm::divideCeil(shape.pixels, rows * m);
    while (rows > 1 && int64_t(llvm::divideCeil(shape.pixels, (rows - 1) * m)) == times)
      --rows;
    for (bool panels : {false, true}) {
      if (panels && rounds)
        continue;
      TileChoice choice;
      choice.tile.tileRows = rows;
      choice.tile.pixels = rows * m;
      choice.tile.vectors = n;
      choice.tile.panelsOutermost = panels;
      choice.tile.preparedBytes = rounds ? 2 : 0;
      choice.tile.group = 4 / width;
      choice.tile.depth = std::min<int64_t>(
          kDepthBytes / width, llvm::alignTo(shape.segmentLength(), choice.tile.group));
      choice.tile.keepLoops = true;
      // What stays: a panel of weights, or the activations of the tiles. Windows
      // that overlap are read again soon.
      double stays = double(shape.depth) * width * (panels ? n * kColumns : rows * m);
      if (stays <= kStays && (!panels || shape.segments == 1))
        choice.tile.form = kStreams;
      choice.cycles = model.compute(rows, m, n);
      choice.memory = model.memory(rows, m, n, panels);
      all.push_back(choice);
    }
  }
  auto key = [](const TileChoice &c) {
    return std::make_tuple(c.estimate(), -c.tile.pixels * c.tile.vectors,
                           c.tile.pixels, c.tile.tileRows,
                           c.tile.panelsOutermost);
  };
  llvm::sort(all, [&](const TileChoice &a, const TileChoice &b) {
    return key(a) < key(b);
  });
  all.truncate(std::max<size_t>(most, 1));
  return all;
}
