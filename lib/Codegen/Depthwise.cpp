//===- Depthwise.cpp - one filter a channel -------------------------------===//
//
// Lanes are channels. A block of channels keeps its weights in registers along
// a row of pixels; a tile of neighbouring pixels loads each column it shares
// once. The target sums the products of one result.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"
#include "InterleavedDepthwise.h"

#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class DepthwiseEmitter {
public:
  DepthwiseEmitter(KernelBuilder &k, const ConvOperands &conv,
                   const DepthwiseTile &tile, PointwiseEmitter &epilogue)
      : k(k), conv(conv), epilogue(epilogue),
        isFloat(conv.kind == OperandKind::F32), channels(conv.inputShape[3]),
        kh(conv.filterShape[1]), kw(conv.filterShape[2]), tile(tile),
        lanes(tile.channels) {}

  void emit() {
    pack();
    activations = k.buffer(conv.input);
    auto shares = k.share({conv.inputShape[0] * conv.outputShape[1],
                           k.piecesOf(channels, lanes)});
    rowShare = shares[0];
    k.pieces(shares[1], channels, lanes, [&](Value channel, int64_t width) {
      // As narrow as whole registers allow.
      lanes = llvm::alignTo(width, k.target.lanes());
      emitChannels(channel, width);
    });
  }

private:
  /// All pixels of `width` channels.
  void emitChannels(Value channel, int64_t width) {
    int64_t rows = conv.outputShape[1], columns = conv.outputShape[2];
    int64_t rowSize = conv.inputStrides[1];
    SmallVector<Value> taps;
    for (int64_t i = 0; i < kh * kw; ++i)
      taps.push_back(loadTap(i, channel));
    Value initial = k.loadVector(bias, channel, lanes);
    k.loop(rowShare, conv.inputShape[0] * rows, 1, [&](Value row) {
      Value y = row, imageBase = k.index(0);
      if (conv.inputShape[0] > 1) {
        y = arith::RemUIOp::create(k.b, k.loc, row, k.index(rows));
        Value image = arith::DivUIOp::create(k.b, k.loc, row, k.index(rows));
        imageBase = k.mul(image, conv.inputStrides[0]);
      }
      Value base = k.add(k.add(imageBase, k.mul(y, conv.strides[0] * rowSize)),
                         channel);
      auto at = [&](Value column, int64_t count) {
        ifBelow(k, column, conv.columnLimit, [&] {
          place = {{row, conv.inputShape[0] * rows}, {column, columns}};
          Value first =
              k.add(base, k.mul(column, conv.strides[1] * conv.inputStrides[2]));
          emitTile(first, k.add(k.mul(row, columns), column), count, channel,
                   width, taps, initial);
        });
      };
      int64_t rest = columns % tile.pixels;
      k.loop(columns - rest, tile.pixels,
             [&](Value column) { at(column, tile.pixels); });
      if (rest)
        at(k.index(columns - rest), rest);
    });
  }

  void emitTile(Value first, Value pixel, int64_t count, Value channel,
                int64_t width, ArrayRef<Value> taps, Value initial) {
    int64_t rowSize = conv.inputStrides[1];
    llvm::DenseMap<std::pair<int64_t, int64_t>, Value> loaded;
    for (int64_t p = 0; p < count; ++p) {
      SmallVector<Value> window;
      for (int64_t i = 0; i < kh; ++i)
        for (int64_t j = 0; j < kw; ++j) {
          int64_t column = p * conv.strides[1] + j * conv.dilations[1];
          Value &x = loaded[{i, column}];
          if (!x)
            x = loadActivation(k.add(first, i * conv.dilations[0] * rowSize +
                                                column * conv.inputStrides[2]),
                               width);
          window.push_back(x);
        }
      Value sum = k.target.sumProducts(k.b, k.loc, conv.kind, initial, window,
                                       taps, fullRangeWeights);
      Value flat = k.add(k.mul(k.add(pixel, p), channels), channel);
      Position position{flat, channel, width, 1, 0, place};
      Value &at = position.coordinates.back().index;
      at = k.add(at, p);
      position.coordinates.push_back({channel, channels});
      epilogue.emit(position, k.concatenate({sum}, width));
    }
  }

  /// `width` activations; the other lanes are zero.
  Value loadActivation(Value index, int64_t width) {
    return k.widen(k.loadVector(activations, index, width), lanes);
  }

  Value loadTap(int64_t i, Value channel) {
    return k.loadVector(weights, k.add(channel, i * padded()), lanes);
  }

  int64_t padded() const { return llvm::alignTo(channels, tile.channels); }

  template <typename T> std::vector<T> packWeights() {
    std::vector<T> data(kh * kw * padded(), T(0));
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < kh * kw; ++i)
        data[i * padded() + c] = T(conv.filter.get(c * kh * kw + i));
    return data;
  }
  /// The biases, with what the target subtracts from activations made up for.
  template <typename T> std::vector<T> packBias() {
    std::vector<T> data(padded(), T(0));
    for (int64_t c = 0; c < channels; ++c) {
      int64_t sum = 0;
      for (int64_t i = 0; i < kh * kw; ++i)
        sum += static_cast<int64_t>(conv.filter.get(c * kh * kw + i));
      data[c] = addModulo(T(conv.bias.get(c)), tile.activationOffset * sum);
    }
    return data;
  }
  void pack() {
    if (isFloat) {
      weights = k.constants<float>(packWeights<float>());
      bias = k.constants<float>(packBias<float>());
      return;
    }
    std::vector<int8_t> taps = packWeights<int8_t>();
    fullRangeWeights = llvm::is_contained(taps, INT8_MIN);
    weights = k.constants<int8_t>(taps);
    bias = k.constants<int32_t>(packBias<int32_t>());
  }

  KernelBuilder &k;
  const ConvOperands &conv;
  PointwiseEmitter &epilogue;
  bool isFloat;
  int64_t channels, kh, kw;
  DepthwiseTile tile;
  /// Channels of the present block's vectors.
  int64_t lanes;
  KernelBuilder::Share rowShare;
  bool fullRangeWeights = false;
  Value activations, weights, bias;
  /// Where the present tile begins in the result: row and column.
  SmallVector<Coordinate, 4> place;
};
} // namespace

LogicalResult codegen::emitDepthwise(KernelBuilder &k, Operation *anchor) {
  auto conv = ConvOperands::read(anchor);
  if (failed(conv))
    return failure();
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  conv->inputStrides = k.strides(conv->input);
  conv->columnLimit = limitOf(k, anchor->getResult(0), 2);
  DepthwiseTile tile = k.target.chooseDepthwise(
      {conv->kind, conv->outputShape[2], conv->inputShape[3],
       conv->filterShape[1], conv->filterShape[2]});
  if (tile.taps > 1)
    emitInterleavedDepthwise(k, *conv, tile, *epilogue);
  else
    DepthwiseEmitter(k, *conv, tile, *epilogue).emit();
  return success();
}
