//===- InterleavedDepthwise.cpp - several taps a product ------------------===//
//
// Depthwise convolutions on targets whose instructions add several products to
// a lane. A block of channels runs along a row of pixels; its interleaved
// columns (DepthwiseTaps.h) are made once and carried from one tile of pixels
// to the next, as are weights from one row to the next.
//
//===----------------------------------------------------------------------===//
#include "InterleavedDepthwise.h"

#include "DepthwiseTaps.h"

#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <set>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
using Values = KernelTarget::Values;

class InterleavedDepthwise {
public:
  InterleavedDepthwise(KernelBuilder &k, const ConvOperands &conv,
                       const DepthwiseTile &tile, PointwiseEmitter &epilogue)
      : k(k), conv(conv), tile(tile), epilogue(epilogue),
        channels(conv.inputShape[3]), kh(conv.filterShape[1]),
        kw(conv.filterShape[2]), lanes(k.target.lanes()),
        interleaved(tile.order == LaneOrder::Interleaved),
        taps(DepthwiseTaps::plan(kh, kw, conv.dilations[0], conv.dilations[1],
                                 tile.taps)) {
    advance = tile.pixels * conv.strides[1];
    planCarried();
  }

  void emit() {
    pack();
    activations = k.buffer(conv.input);
    auto shares = k.share({conv.inputShape[0] * conv.outputShape[1],
                           k.piecesOf(channels, tile.channels)});
    rowShare = shares[0];
    k.pieces(shares[1], channels, tile.channels,
             [&](Value channel, int64_t width) { emitBlock(channel, width); });
  }

private:
  /// A group of taps, from a column of the tile on.
  using Key = std::pair<unsigned, int64_t>;
  using Cache = llvm::MapVector<Key, Values>;

  /// The groups that one tile makes and the next one uses, as the next one
  /// calls them.
  void planCarried() {
    std::set<Key> needed;
    for (int64_t p = 0; p < tile.pixels; ++p)
      for (const DepthwiseTaps::Use &use : taps.uses)
        needed.insert({use.group, p * conv.strides[1] + use.column});
    for (const Key &key : needed)
      if (needed.count({key.first, key.second + advance}))
        carried.push_back(key);
  }

  /// All pixels of `width` channels.
  void emitBlock(Value channel, int64_t width) {
    blockChannel = channel;
    blockWidth = width;
    registers = interleaved ? tile.channels / lanes
                            : llvm::divideCeil(width, lanes);
    loadParameters();
    int64_t rows = conv.outputShape[1];
    ArrayRef<int64_t> strides = conv.inputStrides;
    k.loop(rowShare, conv.inputShape[0] * rows, 1, [&](Value row) {
      Value y = row, image = k.index(0);
      if (conv.inputShape[0] > 1) {
        y = arith::RemUIOp::create(k.b, k.loc, row, k.index(rows));
        Value number = arith::DivUIOp::create(k.b, k.loc, row, k.index(rows));
        image = k.mul(number, strides[0]);
      }
      emitRow(row, k.add(k.add(image, k.mul(y, conv.strides[0] * strides[1])),
                         channel));
    });
  }

  void emitRow(Value row, Value base) {
    int64_t columns = conv.outputShape[2], rest = columns % tile.pixels,
            tiles = columns / tile.pixels;
    auto firstOf = [&](Value column) {
      return k.add(base, k.mul(column, conv.strides[1] * conv.inputStrides[2]));
    };
    Values kept;
    if (carried.empty()) {
      k.loop(tiles, [&](Value number) {
        Cache cache;
        Value column = k.mul(number, tile.pixels);
        emitTile(cache, firstOf(column), row, column, tile.pixels);
      });
      endTiles(tiles);
    } else if (tiles) {
      Cache cache;
      for (const Key &key : carried)
        kept.append(group(cache, base, key));
      kept = k.loop(tiles, kept, [&](Value number, ValueRange values) {
        Value column = k.mul(number, tile.pixels), first = firstOf(column);
        Cache cache = cacheOf(values);
        emitTile(cache, first, row, column, tile.pixels);
        Values next;
        for (auto [kind, at] : carried)
          next.append(group(cache, first, {kind, at + advance}));
        return next;
      });
      endTiles(tiles);
    }
    if (!rest)
      return;
    Value column = k.index(columns - rest);
    ifBelow(k, column, conv.columnLimit, [&] {
      Cache cache = cacheOf(kept);
      emitTile(cache, firstOf(column), row, column, rest);
    });
  }

  /// Ends the loop over `tiles` just written where the actual columns do.
  void endTiles(int64_t tiles) {
    if (!conv.columnLimit || tiles < 2)
      return;
    auto loop = cast<scf::ForOp>(std::prev(k.b.getInsertionPoint()));
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPoint(loop);
    Value count = arith::CeilDivUIOp::create(k.b, k.loc, conv.columnLimit,
                                             k.index(tile.pixels));
    loop.setUpperBound(
        arith::MinUIOp::create(k.b, k.loc, count, loop.getUpperBound()));
  }

  Cache cacheOf(ValueRange values) {
    Cache cache;
    if (!values.empty())
      for (auto [i, key] : llvm::enumerate(carried))
        cache[key] = llvm::to_vector(values.slice(i * registers, registers));
    return cache;
  }

  /// Makes a group where the cache lacks it.
  Values group(Cache &cache, Value first, Key key) {
    Values &values = cache[key];
    if (values.empty()) {
      Values rows;
      for (const DepthwiseTaps::Tap &tap : taps.groups[key.first]) {
        Value at = k.add(first, tap.row * conv.inputStrides[1] +
                                    (key.second + tap.column) *
                                        conv.inputStrides[2]);
        rows.push_back(k.widen(k.loadVector(activations, at, blockWidth),
                               registers * lanes));
      }
      // Whatever stands beside a weight of zero.
      rows.resize(tile.taps, rows.back());
      values = k.target.interleave(k.b, k.loc, conv.kind, rows, tile.order);
    }
    return values;
  }

  void emitTile(Cache &cache, Value first, Value row, Value column,
                int64_t count) {
    Values sums;
    int64_t together =
        interleaved ? 1
                    : std::max<int64_t>(epilogue.registersAtOnce() / registers, 1);
    int64_t begin = 0;
    for (int64_t p = 0; p < count; ++p) {
      Values acc = biases;
      for (auto [use, ws] : llvm::zip_equal(taps.uses, weights)) {
        Values x = group(cache, first,
                         {use.group, p * conv.strides[1] + use.column});
        for (int64_t r = 0; r < registers; ++r)
          acc[r] = k.target.dotInterleaved(k.b, k.loc, conv.kind, acc[r], x[r],
                                           ws[r]);
      }
      sums.append(acc);
      int64_t left = count - begin,
              wanted = std::min<int64_t>(together,
                                         llvm::bit_floor(uint64_t(left)));
      if (p + 1 - begin < wanted)
        continue;
      emitSums(sums, row, k.add(column, begin), wanted);
      sums.clear();
      begin = p + 1;
    }
  }

  void emitSums(Values sums, Value row, Value column, int64_t pixels) {
    int64_t columns = conv.outputShape[2];
    Value pixel = k.add(k.mul(row, columns), column);
    Position position{
        k.add(k.mul(pixel, channels), blockChannel), blockChannel, blockWidth,
        pixels, channels,
        {{row, conv.inputShape[0] * conv.outputShape[1]}, {column, columns},
         {blockChannel, channels}}};
    if (!interleaved)
      return epilogue.emitSums(position, sums);
    if (!scales.empty())
      return epilogue.emitInterleaved(position, sums, scales);
    SmallVector<int64_t> order(registers * lanes);
    for (int64_t r = 0; r < registers; ++r)
      for (int64_t lane = 0; lane < lanes; ++lane)
        order[KernelTarget::interleavedChannel(r, lane)] = r * lanes + lane;
    Value all = k.concatenate(sums, registers * lanes);
    order.resize(blockWidth);
    Value inOrder = vector::ShuffleOp::create(k.b, k.loc, all, all, order);
    epilogue.emit(position, inOrder);
  }

  //===--- Parameters ------------------------------------------------------===//

  /// The channel of a lane, within its block.
  int64_t channelOf(int64_t block, int64_t r, int64_t lane) const {
    return block + (interleaved ? KernelTarget::interleavedChannel(r, lane)
                                : r * lanes + lane);
  }

  /// Calls `each` for all lanes of all blocks, in the order of memory, with the
  /// channel, which may be beyond the last.
  void forLanes(llvm::function_ref<void(int64_t channel)> each) const {
    for (int64_t block = 0; block < channels; block += tile.channels)
      for (int64_t r = 0; r < tile.channels / lanes; ++r)
        for (int64_t lane = 0; lane < lanes; ++lane)
          each(channelOf(block, r, lane));
  }

  void pack() {
    int64_t filter = kh * kw;
    std::vector<int32_t> bias;
    forLanes([&](int64_t c) {
      int64_t sum = 0;
      for (int64_t i = 0; i < filter && c < channels; ++i)
        sum += static_cast<int64_t>(conv.filter.get(c * filter + i));
      bias.push_back(c < channels
                         ? addModulo(static_cast<int32_t>(conv.bias.get(c)),
                                     tile.activationOffset * sum)
                         : 0);
    });
    packedBias = k.constants<int32_t>(bias);
    if (const std::vector<float> *given =
            interleaved ? epilogue.fusedScales() : nullptr) {
      std::vector<float> data;
      forLanes([&](int64_t c) {
        data.push_back(given->size() == 1 ? given->front()
                       : c < channels     ? (*given)[c]
                                          : 0);
      });
      packedScales = k.constants<float>(data);
    }

    // [block][use][register][lane][tap], a lane's taps in 32 bits.
    std::vector<int8_t> data;
    int64_t tapBytes = 4 / tile.taps;
    for (int64_t block = 0; block < channels; block += tile.channels)
      for (const DepthwiseTaps::Use &use : taps.uses)
        for (int64_t r = 0; r < tile.channels / lanes; ++r)
          for (int64_t lane = 0; lane < lanes; ++lane) {
            int64_t c = channelOf(block, r, lane);
            for (int64_t t = 0; t < tile.taps; ++t) {
              bool isTap = c < channels && t < int64_t(use.weights.size()) &&
                           use.weights[t] >= 0;
              int w = isTap ? static_cast<int>(
                                  conv.filter.get(c * filter + use.weights[t]))
                            : 0;
              for (int64_t i = 0; i < tapBytes; ++i)
                data.push_back(static_cast<int8_t>(w >> (8 * i)));
            }
          }
    packedWeights = k.constants<int8_t>(data);
  }

  /// Those of the present block: in registers from here on, as far as there
  /// are any.
  void loadParameters() {
    biases.clear();
    scales.clear();
    weights.clear();
    for (int64_t r = 0; r < registers; ++r) {
      Value at = k.add(blockChannel, r * lanes);
      biases.push_back(k.loadVector(packedBias, at, lanes));
      if (packedScales)
        scales.push_back(k.loadVector(packedScales, at, lanes));
    }
    int64_t uses = taps.uses.size();
    Value block = k.mul(blockChannel, 4 * uses);
    for (int64_t u = 0; u < uses; ++u) {
      Values own;
      for (int64_t r = 0; r < registers; ++r)
        own.push_back(k.loadVector(
            packedWeights, k.add(block, 4 * (u * tile.channels + r * lanes)),
            4 * lanes));
      weights.push_back(own);
    }
  }

  KernelBuilder &k;
  const ConvOperands &conv;
  const DepthwiseTile &tile;
  PointwiseEmitter &epilogue;
  int64_t channels, kh, kw, lanes;
  bool interleaved;
  DepthwiseTaps taps;
  /// Input columns from one tile to the next.
  int64_t advance;
  SmallVector<Key> carried;
  Value activations, packedWeights, packedBias, packedScales;
  KernelBuilder::Share rowShare;
  /// The present block of channels, in `registers` registers.
  Value blockChannel;
  int64_t blockWidth, registers;
  Values biases, scales;
  SmallVector<Values> weights;
};
} // namespace

void codegen::emitInterleavedDepthwise(KernelBuilder &k,
                                       const ConvOperands &conv,
                                       const DepthwiseTile &tile,
                                       PointwiseEmitter &epilogue) {
  InterleavedDepthwise(k, conv, tile, epilogue).emit();
}
