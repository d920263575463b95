//===- Winograd.cpp -------------------------------------------------------===//
//
// A tile of 4×4 results of a 3×3 convolution with stride one reads 6×6 pixels x, and
// with the matrices of F(4×4, 3×3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", CVPR 2016) takes 36 products a channel instead of 144:
//
//   Y = Aᵀ · (Σ over channels: (G·w·Gᵀ) ∘ (Bᵀ·x·B)) · A
//
// In integers this is exact, not an approximation (WinogradTransforms.h). Extents are cut
// into fours and, at the end, threes.
//
// Weights are packed as for every other convolution, and transformed when the kernel
// runs: transformed, they would take eight times the memory. Where the activations of
// all tiles are in memory at once, a register's channels of them follow each other
// through the first cache; where not, all come first.
//
//===----------------------------------------------------------------------===//
#include "Winograd.h"

#include "PanelLayout.h"
#include "TileSource.h"
#include "WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Whether no result of the convolution reaches kResultBound.
static bool sumsAreBounded(const ConvOperands &conv) {
  int64_t depth = kTaps * kTaps * conv.filterShape[3];
  int64_t largest = conv.kind == OperandKind::U8 ? 255 : 128;
  for (int64_t n = 0; n < conv.filterShape[0]; ++n) {
    int64_t weights = 0;
    for (int64_t i = 0; i < depth; ++i)
      weights += std::abs(static_cast<int64_t>(conv.filter.get(n * depth + i)));
    int64_t bias = std::abs(static_cast<int64_t>(conv.bias.get(n)));
    if (weights * largest + bias >= kResultBound)
      return false;
  }
  return true;
}

namespace {
/// `count` tiles of `results` results one way, one beside the other.
struct Span {
  int64_t results, first, count;

  int64_t points() const { return results + kTaps - 1; }
};
} // namespace

/// Fours and then threes, as few as make up `extent`; none where they can't.
static SmallVector<Span> cut(int64_t extent) {
  int64_t threes = (4 - extent % 4) % 4, fours = (extent - 3 * threes) / 4;
  SmallVector<Span> spans;
  if (4 * fours + 3 * threes != extent || fours < 0)
    return spans;
  if (fours)
    spans.push_back({4, 0, fours});
  if (threes)
    spans.push_back({3, 4 * fours, threes});
  return spans;
}

static int64_t tilesOf(ArrayRef<Span> spans) {
  int64_t tiles = 0;
  for (const Span &span : spans)
    tiles += span.count;
  return tiles;
}
static int64_t pointsOf(ArrayRef<Span> spans) {
  int64_t points = 0;
  for (const Span &span : spans)
    points += span.count * span.points();
  return points;
}

void codegen::transformWindows(const ConvOperands &conv, Contraction &c) {
  auto isOne = [](int64_t n) { return n == 1; };
  if (isFloat(conv.kind) || conv.nibbles || conv.coded || conv.integers ||
      conv.groups != 1 || c.pixelLimit || !llvm::all_of(conv.strides, isOne) ||
      !llvm::all_of(conv.dilations, isOne) ||
      ArrayRef(conv.filterShape).slice(1, 2) != ArrayRef<int64_t>{kTaps, kTaps} ||
      conv.filterShape[3] % 8 != 0 || !sumsAreBounded(conv))
    return;
  auto rows = cut(conv.outputShape[1]), columns = cut(conv.outputShape[2]);
  c.windowTiles = conv.outputShape[0] * tilesOf(rows) * tilesOf(columns);
  c.windowSums = conv.outputShape[0] * pointsOf(rows) * pointsOf(columns);
}

namespace {
class WinogradEmitter {
public:
  WinogradEmitter(KernelBuilder &k, const ConvOperands &conv, const Contraction &c,
                  const RegisterTile &tile, PointwiseEmitter &epilogue)
      : k(k), b(k.b), loc(k.loc), conv(conv), c(c), tile(tile), epilogue(epilogue),
        lanes(k.target.lanes()), depth(conv.filterShape[3]),
        width(std::min(2 * lanes, depth & -depth)),
        layout(c, tile, Nibbles::None, lanes,
               k.target.packedColumns(c.shape(c.kind, Nibbles::None))),
        rows(cut(conv.outputShape[1])), columns(cut(conv.outputShape[2])),
        across(tilesOf(columns)), isOneBlock(tile.windowTiles >= c.windowTiles),
        rowsAtOnce(std::max<int64_t>(tile.windowTiles / across, 1)),
        slots(isOneBlock ? c.windowTiles : rowsAtOnce * across),
        plane(slots * depth + kApart), i16(b.getI16Type()), i32(b.getI32Type()) {}

  void emit() {
    weights = k.weights<int8_t>(layout.packWeights<int8_t>());
    std::vector<int32_t> biases = layout.packBias<int32_t>();
    for (int32_t &x : biases)
      x = int32_t(uint32_t(x) * kMultiple);
    bias = k.constants<int32_t>(biases);
    int64_t channels = isOneBlock ? lanes : llvm::alignTo(c.channels, lanes);
    filters = k.scratch(kPoints * kPoints * depth * channels * 2, i16);
    windows = k.scratch(kPoints * kPoints * plane * 2, i16);
    products = k.scratch(slots * kResults * kPoints * lanes * 4, i32);
    int64_t registers = k.piecesOf(c.channels, lanes);
    if (isOneBlock) {
      SmallVector<Rows> all;
      for (const Span &span : rows)
        all.push_back({span, k.index(0), conv.outputShape[0] * span.count});
      return emitBlock(all, k.share({registers}).front());
    }
    k.pieces(c.channels, lanes, [&](Value channel, int64_t valid) {
      fitLanes(valid);
      transformFilters(channel, filtersOf(channel));
    });
    for (const Span &span : rows) {
      int64_t count = conv.outputShape[0] * span.count;
      auto shares = k.share({k.piecesOf(count, rowsAtOnce), registers});
      k.pieces(shares[0], count, rowsAtOnce, [&](Value first, int64_t some) {
        emitBlock({{span, first, some}}, shares[1]);
      });
    }
  }

private:
  using Values = SmallVector<Value>;

  /// Rows of tiles, counted over all images.
  struct Rows {
    Span span;
    Value first;
    int64_t count;
  };
  /// Tiles of one size: those of `rows` from the slot on that `first` is.
  struct Area {
    const Rows &rows;
    const Span &columns;
    int64_t first;

    int64_t tiles() const { return rows.count * columns.count; }
  };

  /// The results of tiles whose activations are in memory at once.
  void emitBlock(ArrayRef<Rows> block, KernelBuilder::Share share) {
    SmallVector<Area> areas;
    int64_t slot = 0;
    for (const Rows &some : block)
      for (const Span &span : columns) {
        areas.push_back({some, span, slot});
        slot += areas.back().tiles();
      }
    for (const Area &area : areas)
      k.loop(area.tiles(), [&](Value t) { transformWindow(area, t); });
    k.pieces(share, c.channels, k.target.lanes(), [&](Value channel, int64_t valid) {
      fitLanes(valid);
      Value from = filtersOf(channel);
      if (isOneBlock)
        transformFilters(channel, from);
      for (size_t i = 0; i < areas.size(); i += columns.size())
        multiply(from, channel, ArrayRef(areas).slice(i, columns.size()));
      for (const Area &area : areas)
        k.loop(area.tiles(),
               [&](Value t) { emitTile(area, t, channel, valid); });
    });
  }

  /// As narrow registers as hold `valid` channels.
  void fitLanes(int64_t valid) {
    lanes = valid <= k.target.narrowLanes() ? k.target.narrowLanes() : k.target.lanes();
  }

  /// Where the transformed filters of a register of channels are.
  Value filtersOf(Value channel) {
    return isOneBlock ? k.index(0) : k.mul(channel, kPoints * kPoints * depth);
  }

  /// Both ways: row by row, then `store` for each of the columns that come of it.
  template <typename Transform, typename Store>
  void transformBothWays(ArrayRef<Values> x, Transform transform, Store store) {
    SmallVector<Values> rows;
    for (const Values &row : x)
      rows.push_back(transform(row));
    for (size_t j = 0; j < rows.front().size(); ++j) {
      Values column;
      for (const Values &row : rows)
        column.push_back(row[j]);
      for (auto [i, value] : llvm::enumerate(transform(column)))
        store(int64_t(i), int64_t(j), value);
    }
  }

  //===--- The steps ---------------------------------------------------------===//

  /// Writes [column][channels / 2][row][lane][2] for the register of output channels
  /// that begins with `channel`. Of four input channels the first and third are a pair,
  /// and the others: those are what two shifts make of packed bytes.
  void transformFilters(Value channel, Value to) {
    int64_t beside = layout.columnsBeside(lanes);
    Value column = b.createOrFold<arith::RemUIOp>(loc, channel, k.index(beside));
    Value panel = b.createOrFold<arith::SubIOp>(loc, channel, column);
    Value from = k.add(k.mul(panel, layout.depth()), k.mul(column, tile.group));
    VectorType type = k.vectorType(2 * lanes, i16);
    Value eight = k.splatInt(type, 8);
    k.loop(depth / 4, [&](Value four) {
      SmallVector<Values> taps[2] = {SmallVector<Values>(kTaps), SmallVector<Values>(kTaps)};
      for (int64_t i = 0; i < kTaps; ++i)
        for (int64_t j = 0; j < kTaps; ++j) {
          Value at = k.add(from, (i * kTaps + j) * depth * beside);
          Value bytes = k.loadVector(weights, k.add(at, k.mul(four, 4 * beside)),
                                     4 * lanes);
          Value both = vector::BitCastOp::create(b, loc, type, bytes);
          for (int64_t half : {0, 1})
            taps[half][i].push_back(arith::ShRSIOp::create(
                b, loc, half ? both : arith::ShLIOp::create(b, loc, both, eight), eight));
        }
      for (int64_t half : {0, 1})
        transformBothWays(
            taps[half], [&](ArrayRef<Value> g) { return transformFilter(k, g); },
            [&](int64_t i, int64_t j, Value value) {
              Value pair = k.add(k.mul(four, 2), j * (depth / 2) + half);
              k.storeVector(value, filters, filterAt(to, pair, i));
            });
    });
  }
  Value filterAt(Value first, Value pair, int64_t row) {
    return k.add(k.add(first, k.mul(pair, kPoints * 2 * lanes)), row * 2 * lanes);
  }

  /// The image of a tile, and where its results begin, as does what it reads.
  struct Corner {
    Value image, row, column;
  };
  Corner cornerOf(const Area &area, Value tileNumber) {
    auto divided = [&](Value x, int64_t by) {
      return b.createOrFold<arith::DivUIOp>(loc, x, k.index(by));
    };
    auto rest = [&](Value x, int64_t by) {
      return b.createOrFold<arith::RemUIOp>(loc, x, k.index(by));
    };
    auto at = [&](const Span &span, Value number) {
      return k.add(k.mul(rest(number, span.count), span.results), span.first);
    };
    const Span &span = area.rows.span;
    Value row = k.add(area.rows.first, divided(tileNumber, area.columns.count));
    return {divided(row, span.count), at(span, row), at(area.columns, tileNumber)};
  }

  /// Writes [column][row][slot][channel], the channels of each four in the order of
  /// filters.
  void transformWindow(const Area &area, Value tileNumber) {
    Corner corner = cornerOf(area, tileNumber);
    ArrayRef<int64_t> strides = conv.inputStrides;
    Value base = k.add(k.mul(corner.image, strides[0]),
                       k.add(k.mul(corner.row, strides[1]),
                             k.mul(corner.column, strides[2])));
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < width; i += 4)
      order.append({i, i + 2, i + 1, i + 3});
    VectorType wide = k.vectorType(width, i16);
    k.loop(depth / width, [&](Value piece) {
      Value channel = k.mul(piece, width);
      Value from = k.add(base, channel);
      SmallVector<Values> pixels(area.rows.span.points());
      for (auto [i, row] : llvm::enumerate(pixels))
        for (int64_t j = 0; j < area.columns.points(); ++j) {
          Value bytes = k.loadVector(c.activations,
                                     k.add(from, i * strides[1] + j * strides[2]),
                                     width);
          bytes = vector::ShuffleOp::create(b, loc, bytes, bytes, order);
          row.push_back(conv.kind == OperandKind::U8
                            ? Value(arith::ExtUIOp::create(b, loc, wide, bytes))
                            : Value(arith::ExtSIOp::create(b, loc, wide, bytes)));
        }
      Value to = k.add(k.mul(k.add(tileNumber, area.first), depth), channel);
      transformBothWays(
          pixels, [&](ArrayRef<Value> d) { return transformInput(k, d); },
          [&](int64_t i, int64_t j, Value value) {
            k.storeVector(value, windows, k.add(to, (j * kPoints + i) * plane));
          });
    });
  }

  /// The sums of tiles with as many rows for one register of channels. Those of a
  /// column are in registers together: written is [slot][row of results][column].
  void multiply(Value from, Value channel, ArrayRef<Area> areas) {
    int64_t first = areas.front().first, rowPoints = areas.front().rows.span.points();
    int64_t all = 0, fours = 0;
    for (const Area &area : areas) {
      all += area.tiles();
      fours += area.columns.points() == kPoints ? area.tiles() : 0;
    }
    Value biases = k.loadVector(bias, channel, lanes);
    Value zero = k.splatInt(k.vectorType(lanes, i32), 0);
    // Fours come first: the last column is theirs alone.
    k.loop(kPoints - 1, [&](Value column) {
      Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, column,
                                          k.index(kOne));
      Values initial(rowPoints, zero);
      initial[kOne] = arith::SelectOp::create(b, loc, isOne, biases, zero);
      multiplyColumn(from, column, first, all, initial);
    });
    multiplyColumn(from, k.index(kPoints - 1), first, fours, Values(rowPoints, zero));
  }

  /// `initial`: the sums of a tile before its products.
  void multiplyColumn(Value from, Value column, int64_t first, int64_t count,
                      ArrayRef<Value> initial) {
    int64_t rowPoints = initial.size();
    Value filter = k.add(from, k.mul(column, kPoints * depth * lanes));
    Value window = k.mul(column, kPoints * plane);
    k.pieces(count, tile.pixels, [&](Value begin, int64_t some) {
      Value slot = k.add(begin, first);
      Value windowAt = k.add(window, k.mul(slot, depth));
      Values sums;
      for (int64_t t = 0; t < some; ++t)
        sums.append(initial.begin(), initial.end());
      // Two products of one sum in a row LLVM would take apart.
      sums = k.loop(depth / 2, sums, [&](Value pair, ValueRange before) {
        return addProducts(before, filter, windowAt, pair, some);
      });
      if (auto loop = sums.front().getDefiningOp<scf::ForOp>())
        keepLoop(loop);
      for (int64_t t = 0; t < some; ++t) {
        Values results =
            transformOutput(k, ArrayRef(sums).slice(t * rowPoints, rowPoints));
        for (auto [row, value] : llvm::enumerate(results))
          k.storeVector(value, products,
                        k.add(productAt(k.add(slot, t), row), k.mul(column, lanes)));
      }
    });
  }
  Value productAt(Value slot, int64_t row) {
    return k.add(k.mul(slot, kResults * kPoints * lanes), row * kPoints * lanes);
  }

  /// The products of two channels.
  Values addProducts(ValueRange before, Value filter, Value window, Value pair,
                     int64_t some) {
    Values sums(before);
    int64_t rowPoints = sums.size() / some;
    Value channel = k.add(window, k.mul(pair, 2));
    VectorType one = k.vectorType(1, i32), all = k.vectorType(lanes, i32),
             words = k.vectorType(2 * lanes, i16);
    for (int64_t i = 0; i < rowPoints; ++i) {
      Value w = k.loadVector(filters, filterAt(filter, pair, i), 2 * lanes);
      for (int64_t t = 0; t < some; ++t) {
        Value two = k.loadVector(windows, k.add(channel, i * plane + t * depth), 2);
        Value x = vector::BroadcastOp::create(
            b, loc, all, vector::BitCastOp::create(b, loc, one, two));
        Value &sum = sums[t * rowPoints + i];
        sum = k.target.dotPairs(b, loc, sum, vector::BitCastOp::create(b, loc, words, x), w);
      }
    }
    return sums;
  }

  /// The results of a tile for one register of channels, and what comes behind them.
  void emitTile(const Area &area, Value tileNumber, Value channel, int64_t valid) {
    Corner corner = cornerOf(area, tileNumber);
    k.loop(area.rows.span.results, [&](Value i) {
      Value at = k.add(productAt(k.add(tileNumber, area.first), 0),
                       k.mul(i, kPoints * lanes));
      Values sums;
      for (int64_t j = 0; j < area.columns.points(); ++j)
        sums.push_back(k.loadVector(products, k.add(at, j * lanes), lanes));
      Values results = transformOutput(k, sums);
      for (Value &result : results)
        result = k.widen(divideMultiple(k, result), k.target.lanes());
      emitRow(corner, k.add(corner.row, i), channel, valid, results);
    });
  }

  /// What comes behind neighbouring sums of a row.
  void emitRow(const Corner &corner, Value row, Value channel, int64_t valid,
               ArrayRef<Value> sums) {
    ArrayRef<int64_t> shape = conv.outputShape;
    Value line = k.add(k.mul(corner.image, shape[1]), row);
    int64_t together;
    for (int64_t j = 0; j < int64_t(sums.size()); j += together) {
      together = std::clamp<int64_t>(epilogue.registersAtOnce(), 1,
                                     llvm::bit_floor(sums.size() - j));
      Value column = k.add(corner.column, j);
      Value pixel = k.mul(k.add(k.mul(line, shape[2]), column), c.channels);
      Position position{k.add(pixel, channel), channel, valid, together, c.channels,
                        {{corner.image, shape[0]},
                         {row, shape[1]},
                         {column, shape[2]},
                         {channel, c.channels}}};
      epilogue.emitSums(position, sums.slice(j, together));
    }
  }

  /// What lies between the planes of `windows`: their distance isn't a power of two.
  static constexpr int64_t kApart = 32;

  KernelBuilder &k;
  OpBuilder &b;
  Location loc;
  const ConvOperands &conv;
  const Contraction &c;
  const RegisterTile &tile;
  PointwiseEmitter &epilogue;
  int64_t lanes; // of the present channels' registers
  int64_t depth;
  int64_t width; // channels of a window that are transformed at once
  PanelLayout layout;
  SmallVector<Span> rows, columns;
  int64_t across; // tiles of a row
  bool isOneBlock;
  int64_t rowsAtOnce, slots, plane;
  Type i16, i32;
  Value weights, bias;
  /// Scratch: transformed weights and activations, and their products' sums.
  Value filters, windows, products;
};
} // namespace

LogicalResult codegen::emitWinograd(KernelBuilder &k, const ConvOperands &conv,
                                    const Contraction &c, const RegisterTile &tile) {
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  WinogradEmitter(k, conv, c, tile, *epilogue).emit();
  return success();
}
