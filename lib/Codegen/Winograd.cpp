//===- Winograd.cpp -------------------------------------------------------===//
//
// A tile of 4×4 results of a 3×3 convolution with stride one reads 6×6 pixels x, and
// with the matrices of F(4×4, 3×3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", CVPR 2016) takes 36 products a channel instead of 144:
//
//   Y = Aᵀ · (Σ over channels: (G·w·Gᵀ) ∘ (Bᵀ·x·B)) · A
//
// In integers this is exact, not an approximation. G has fractions of 4, 6 and 24: here
// its rows are 24-fold, and Y 576-fold. (The last row is 8-fold and A has the other
// factor of three, for 24² times a weight isn't a number of 16 bits.) Then
//
//   |Bᵀ·x·B| ≤ 68·255 and |G·w·Gᵀ| ≤ 12²·128     both are 16-bit integers;
//   576·Y modulo 2^32                             is what 32-bit sums have, whether or
//                                                 not some overflow on the way;
//   64·Y modulo 2^32                              is that times the inverse of nine;
//   Y                                             is that shifted, as |Y| < 2^25, which
//                                                 windowTilesOf() makes sure of.
//
// Weights are packed as for every other convolution, and transformed when the kernel
// runs: transformed, they would take eight times the memory. Where the activations of
// all tiles are in memory at once, a register's channels of them follow each other
// through the first cache; where not, all come first.
//
// Tiles at the lower and right edges begin early enough to be whole ones; results that
// another tile has are dropped.
//
//===----------------------------------------------------------------------===//
#include "Winograd.h"

#include "PanelLayout.h"
#include "TileSource.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <array>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Results of a tile one way, pixels that they read, taps of the filter.
static constexpr int64_t kOut = 4, kIn = 6, kTaps = 3;
/// 9 · kInverseOfNine = 1 modulo 2^32.
static constexpr uint32_t kInverseOfNine = 0x38E38E39;
static_assert(9 * kInverseOfNine == 1u);
static constexpr int64_t kShift = 6; // 576 = 9 · 2^6

/// Whether no sum of a channel's products reaches 2^25.
static bool sumsAreBounded(const ConvOperands &conv) {
  int64_t depth = kTaps * kTaps * conv.filterShape[3];
  int64_t largest = conv.kind == OperandKind::U8 ? 255 : 128;
  for (int64_t n = 0; n < conv.filterShape[0]; ++n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < depth; ++i)
      sum += std::abs(static_cast<int64_t>(conv.filter.get(n * depth + i)));
    if (sum * largest >= int64_t(1) << 25)
      return false;
  }
  return true;
}

int64_t codegen::windowTilesOf(const ConvOperands &conv, const Contraction &c) {
  auto isOne = [](int64_t n) { return n == 1; };
  if (isFloat(conv.kind) || conv.nibbles || conv.coded || conv.integers ||
      conv.groups != 1 || c.pixelLimit || !llvm::all_of(conv.strides, isOne) ||
      !llvm::all_of(conv.dilations, isOne) ||
      ArrayRef(conv.filterShape).slice(1, 2) != ArrayRef<int64_t>{kTaps, kTaps} ||
      conv.filterShape[3] % 8 != 0 || conv.outputShape[1] < kOut ||
      conv.outputShape[2] < kOut || !sumsAreBounded(conv))
    return 0;
  return conv.outputShape[0] * llvm::divideCeil(conv.outputShape[1], kOut) *
         llvm::divideCeil(conv.outputShape[2], kOut);
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
        across(llvm::divideCeil(conv.outputShape[2], kOut)),
        down(llvm::divideCeil(conv.outputShape[1], kOut)),
        atOnce(std::min(tile.windowTiles, c.windowTiles)),
        plane(atOnce * depth + kApart), i16(b.getI16Type()), i32(b.getI32Type()) {}

  void emit() {
    weights = k.weights<int8_t>(layout.packWeights<int8_t>());
    bias = k.constants<int32_t>(layout.packBias<int32_t>());
    bool isOneBlock = atOnce == c.windowTiles;
    int64_t columns = isOneBlock ? lanes : llvm::alignTo(c.channels, lanes);
    filters = k.scratch(kIn * kIn * depth * columns * 2, i16);
    windows = k.scratch(kIn * kIn * plane * 2, i16);
    products = k.scratch(atOnce * kOut * kIn * lanes * 4, i32);
    auto shares = k.share({k.piecesOf(c.windowTiles, atOnce),
                           k.piecesOf(c.channels, lanes)});
    auto transformed = [&](Value channel) {
      return isOneBlock ? k.index(0) : k.mul(channel, kIn * kIn * depth);
    };
    auto forChannels = [&](KernelBuilder::RunBody body) {
      k.pieces(shares[1], c.channels, lanes, body);
    };
    if (!isOneBlock)
      forChannels([&](Value channel, int64_t) {
        transformFilters(channel, transformed(channel));
      });
    k.pieces(shares[0], c.windowTiles, atOnce, [&](Value first, int64_t count) {
      k.loop(count, [&](Value t) { transformWindow(k.add(first, t), t); });
      forChannels([&](Value channel, int64_t valid) {
        Value from = transformed(channel);
        if (isOneBlock)
          transformFilters(channel, from);
        multiply(from, count);
        k.loop(count, [&](Value t) {
          emitTile(k.add(first, t), t, channel, valid);
        });
      });
    });
  }

private:
  using Values = SmallVector<Value>;

  Value plus(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value minus(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value shifted(Value x, int64_t bits) {
    return arith::ShLIOp::create(b, loc, x,
                                 k.splatInt(cast<VectorType>(x.getType()), bits));
  }

  //===--- The transformations, one way --------------------------------------===//

  /// Bᵀ:  4 0 −5 0 1 0 | 0 −4 −4 1 1 0 | 0 4 −4 −1 1 0
  ///      0 −2 −1 2 1 0 | 0 2 −1 −2 1 0 | 0 4 0 −5 0 1
  Values transformInput(ArrayRef<Value> d) {
    Value even = minus(d[4], shifted(d[2], 2)), odd = minus(d[3], shifted(d[1], 2)),
          nearEven = minus(d[4], d[2]), nearOdd = shifted(minus(d[3], d[1]), 1);
    return {plus(shifted(minus(d[0], d[2]), 2), nearEven),
            plus(even, odd),
            minus(even, odd),
            plus(nearEven, nearOdd),
            minus(nearEven, nearOdd),
            plus(shifted(minus(d[1], d[3]), 2), minus(d[5], d[3]))};
  }

  /// G:  6 0 0 | −4 −4 −4 | −4 4 −4 | 1 2 4 | 1 −2 4 | 0 0 8
  Values transformFilter(ArrayRef<Value> g) {
    Value outer = plus(g[0], g[2]), far = plus(g[0], shifted(g[2], 2)),
          twice = shifted(g[1], 1);
    return {plus(shifted(g[0], 2), shifted(g[0], 1)),
            minus(k.splatInt(cast<VectorType>(outer.getType()), 0),
                  shifted(plus(outer, g[1]), 2)),
            shifted(minus(g[1], outer), 2),
            plus(far, twice),
            minus(far, twice),
            shifted(g[2], 3)};
  }

  /// Aᵀ:  1 1 1 1 1 0 | 0 1 −1 2 −2 0 | 0 1 1 4 4 0 | 0 1 −1 8 −8 3
  Values transformOutput(ArrayRef<Value> m) {
    Value sum = plus(m[1], m[2]), difference = minus(m[1], m[2]),
          farSum = plus(m[3], m[4]), farDifference = minus(m[3], m[4]);
    return {plus(plus(m[0], sum), farSum),
            plus(difference, shifted(farDifference, 1)),
            plus(sum, shifted(farSum, 2)),
            plus(plus(difference, shifted(farDifference, 3)),
                 plus(m[5], shifted(m[5], 1)))};
  }

  /// Both ways: row by row, then `store` for each of the columns that come of it.
  template <size_t N, typename Transform, typename Store>
  void transformBothWays(const std::array<std::array<Value, N>, N> &x,
                         Transform transform, Store store) {
    SmallVector<Values> rows;
    for (const auto &row : x)
      rows.push_back(transform(row));
    for (int64_t j = 0; j < kIn; ++j) {
      Values column;
      for (const Values &row : rows)
        column.push_back(row[j]);
      for (auto [i, value] : llvm::enumerate(transform(column)))
        store(int64_t(i), j, value);
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
      std::array<std::array<Value, kTaps>, kTaps> taps[2];
      for (int64_t i = 0; i < kTaps; ++i)
        for (int64_t j = 0; j < kTaps; ++j) {
          Value at = k.add(from, (i * kTaps + j) * depth * beside);
          Value bytes = k.loadVector(weights, k.add(at, k.mul(four, 4 * beside)),
                                     4 * lanes);
          Value both = vector::BitCastOp::create(b, loc, type, bytes);
          for (int64_t half : {0, 1})
            taps[half][i][j] = arith::ShRSIOp::create(
                b, loc, half ? both : shifted(both, 8), eight);
        }
      for (int64_t half : {0, 1})
        transformBothWays(
            taps[half], [&](ArrayRef<Value> g) { return transformFilter(g); },
            [&](int64_t i, int64_t j, Value value) {
              Value pair = k.add(k.mul(four, 2), j * (depth / 2) + half);
              k.storeVector(value, filters, filterAt(to, pair, i));
            });
    });
  }
  Value filterAt(Value first, Value pair, int64_t row) {
    return k.add(k.add(first, k.mul(pair, kIn * 2 * lanes)), row * 2 * lanes);
  }

  /// Where a tile begins one way, and how many of its results are another tile's: what
  /// comes behind them may overwrite its own operand.
  struct Begin {
    Value at, known;
  };
  Begin begin(Value number, int64_t extent) {
    Value first = k.mul(number, kOut);
    if (extent % kOut == 0)
      return {first, nullptr};
    Value at = arith::MinUIOp::create(b, loc, first, k.index(extent - kOut));
    return {at, arith::SubIOp::create(b, loc, first, at)};
  }
  struct Corner {
    Value image;
    Begin row, column;
  };
  Corner cornerOf(Value tileNumber) {
    auto divided = [&](Value x, int64_t by) {
      return b.createOrFold<arith::DivUIOp>(loc, x, k.index(by));
    };
    auto rest = [&](Value x, int64_t by) {
      return b.createOrFold<arith::RemUIOp>(loc, x, k.index(by));
    };
    Value line = divided(tileNumber, across);
    return {divided(line, down), begin(rest(line, down), conv.outputShape[1]),
            begin(rest(tileNumber, across), conv.outputShape[2])};
  }

  /// Writes [column][row][slot][channel], the channels of each four in the order of
  /// filters.
  void transformWindow(Value tileNumber, Value slot) {
    Corner corner = cornerOf(tileNumber);
    ArrayRef<int64_t> strides = conv.inputStrides;
    Value base = k.add(k.mul(corner.image, strides[0]),
                       k.add(k.mul(corner.row.at, strides[1]),
                             k.mul(corner.column.at, strides[2])));
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < width; i += 4)
      order.append({i, i + 2, i + 1, i + 3});
    k.loop(depth / width, [&](Value piece) {
      Value channel = k.mul(piece, width);
      Value from = k.add(base, channel);
      std::array<std::array<Value, kIn>, kIn> pixels;
      for (int64_t i = 0; i < kIn; ++i)
        for (int64_t j = 0; j < kIn; ++j) {
          Value bytes = k.loadVector(c.activations,
                                     k.add(from, i * strides[1] + j * strides[2]),
                                     width);
          bytes = vector::ShuffleOp::create(b, loc, bytes, bytes, order);
          VectorType wide = k.vectorType(width, i16);
          pixels[i][j] = conv.kind == OperandKind::U8
                             ? Value(arith::ExtUIOp::create(b, loc, wide, bytes))
                             : Value(arith::ExtSIOp::create(b, loc, wide, bytes));
        }
      Value to = k.add(k.mul(slot, depth), channel);
      transformBothWays(
          pixels, [&](ArrayRef<Value> d) { return transformInput(d); },
          [&](int64_t i, int64_t j, Value value) {
            k.storeVector(value, windows, k.add(to, (j * kIn + i) * plane));
          });
    });
  }

  /// The sums of `count` tiles for one register of channels. Those of a column are in
  /// registers together: written is [slot][row of results][column].
  void multiply(Value from, int64_t count) {
    k.loop(kIn, [&](Value column) {
      Value filter = k.add(from, k.mul(column, kIn * depth * lanes));
      Value window = k.mul(column, kIn * plane);
      k.pieces(count, tile.pixels, [&](Value slot, int64_t some) {
        Value windowAt = k.add(window, k.mul(slot, depth));
        Values sums(kIn * some, k.splatInt(k.vectorType(lanes, i32), 0));
        // Two products of one sum in a row LLVM would take apart.
        sums = k.loop(depth / 2, sums, [&](Value pair, ValueRange before) {
          return addProducts(before, filter, windowAt, pair, some);
        });
        if (auto loop = sums.front().getDefiningOp<scf::ForOp>())
          keepLoop(loop);
        for (int64_t t = 0; t < some; ++t) {
          Values results =
              transformOutput(ArrayRef(sums).slice(t * kIn, kIn));
          for (auto [row, value] : llvm::enumerate(results))
            k.storeVector(value, products,
                          k.add(productAt(k.add(slot, t), row), k.mul(column, lanes)));
        }
      });
    });
  }
  Value productAt(Value slot, int64_t row) {
    return k.add(k.mul(slot, kOut * kIn * lanes), row * kIn * lanes);
  }

  /// The products of two channels.
  Values addProducts(ValueRange before, Value filter, Value window, Value pair,
                     int64_t some) {
    Values sums(before);
    Value channel = k.add(window, k.mul(pair, 2));
    VectorType one = k.vectorType(1, i32), all = k.vectorType(lanes, i32),
             words = k.vectorType(2 * lanes, i16);
    for (int64_t i = 0; i < kIn; ++i) {
      Value w = k.loadVector(filters, filterAt(filter, pair, i), 2 * lanes);
      for (int64_t t = 0; t < some; ++t) {
        Value two = k.loadVector(windows, k.add(channel, i * plane + t * depth), 2);
        Value x = vector::BroadcastOp::create(
            b, loc, all, vector::BitCastOp::create(b, loc, one, two));
        Value &sum = sums[t * kIn + i];
        sum = k.target.dotPairs(b, loc, sum, vector::BitCastOp::create(b, loc, words, x), w);
      }
    }
    return sums;
  }

  /// The results of a tile for one register of channels, and what comes behind them.
  void emitTile(Value tileNumber, Value slot, Value channel, int64_t valid) {
    Corner corner = cornerOf(tileNumber);
    auto rows = scf::ForOp::create(
        b, loc, corner.row.known ? corner.row.known : k.index(0), k.index(kOut),
        k.index(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rows.getBody());
    Value i = rows.getInductionVar();
    Values results = sumsOfRow(k.add(productAt(slot, 0), k.mul(i, kIn * lanes)), channel);
    auto emitFrom = [&](int64_t first) {
      emitRow(corner, k.add(corner.row.at, i), channel, valid, results, first);
    };
    if (!corner.column.known)
      return emitFrom(0);
    Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          corner.column.known, k.index(0));
    auto branch = scf::IfOp::create(b, loc, isWhole, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    emitFrom(0);
    b.setInsertionPointToStart(branch.elseBlock());
    emitFrom(kOut - conv.outputShape[2] % kOut);
  }

  /// The sums of four neighbouring results.
  Values sumsOfRow(Value at, Value channel) {
    VectorType type = k.vectorType(lanes, i32);
    Value inverse = k.splatInt(type, kInverseOfNine), bits = k.splatInt(type, kShift),
          biases = k.loadVector(bias, channel, lanes);
    Values sums;
    for (int64_t j = 0; j < kIn; ++j)
      sums.push_back(k.loadVector(products, k.add(at, j * lanes), lanes));
    Values results = transformOutput(sums);
    for (Value &result : results) {
      result = arith::MulIOp::create(b, loc, result, inverse);
      result = plus(arith::ShRSIOp::create(b, loc, result, bits), biases);
    }
    return results;
  }

  /// What comes behind the sums of a row, from the `first` on.
  void emitRow(const Corner &corner, Value row, Value channel, int64_t valid,
               ArrayRef<Value> sums, int64_t first) {
    ArrayRef<int64_t> shape = conv.outputShape;
    Value line = k.add(k.mul(corner.image, shape[1]), row);
    int64_t together;
    for (int64_t j = first; j < kOut; j += together) {
      together = std::clamp<int64_t>(epilogue.registersAtOnce(), 1,
                                     llvm::bit_floor(uint64_t(kOut - j)));
      Value column = k.add(corner.column.at, j);
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
  int64_t lanes, depth;
  int64_t width; // channels of a window that are transformed at once
  PanelLayout layout;
  int64_t across, down; // tiles of an image
  int64_t atOnce, plane;
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
