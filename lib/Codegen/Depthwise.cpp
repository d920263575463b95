//===- Depthwise.cpp - one filter a channel -------------------------------===//
//
// Lanes are channels. A block of channels keeps its weights in registers along
// a row of pixels; a tile of neighbouring pixels loads each column it shares
// once.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class DepthwiseEmitter {
public:
  DepthwiseEmitter(KernelBuilder &k, const ConvOperands &conv,
                   PointwiseEmitter &epilogue)
      : k(k), conv(conv), epilogue(epilogue), lanes(k.target.lanes()),
        isFloat(conv.kind == OperandKind::F32), channels(conv.inputShape[3]),
        kh(conv.filterShape[1]), kw(conv.filterShape[2]) {}

  void emit() {
    pack();
    activations = k.buffer(conv.input);
    int64_t tail = channels % lanes;
    k.loop(channels - tail, lanes,
           [&](Value channel) { emitChannels(channel, lanes); });
    if (tail)
      emitChannels(k.index(channels - tail), tail);
  }

private:
  /// All pixels of `width` channels.
  void emitChannels(Value channel, int64_t width) {
    int64_t rows = conv.outputShape[1], columns = conv.outputShape[2];
    int64_t rowSize = conv.inputShape[2] * channels;
    SmallVector<Value> taps;
    for (int64_t i = 0; i < kh * kw; ++i)
      taps.push_back(loadTap(i, channel));
    Value initial = k.loadVector(bias, channel, lanes);
    int64_t tile = std::min<int64_t>(columns, 4);
    k.loop(conv.inputShape[0] * rows, [&](Value row) {
      Value y = row, imageBase = k.index(0);
      if (conv.inputShape[0] > 1) {
        y = arith::RemUIOp::create(k.b, k.loc, row, k.index(rows));
        Value image = arith::DivUIOp::create(k.b, k.loc, row, k.index(rows));
        imageBase = k.mul(image, conv.inputShape[1] * rowSize);
      }
      Value base = k.add(k.add(imageBase, k.mul(y, conv.strides[0] * rowSize)),
                         channel);
      auto at = [&](Value column, int64_t count) {
        Value first = k.add(base, k.mul(column, conv.strides[1] * channels));
        emitTile(first, k.add(k.mul(row, columns), column), count, channel,
                 width, taps, initial);
      };
      int64_t rest = columns % tile;
      k.loop(columns - rest, tile, [&](Value column) { at(column, tile); });
      if (rest)
        at(k.index(columns - rest), rest);
    });
  }

  void emitTile(Value first, Value pixel, int64_t count, Value channel,
                int64_t width, ArrayRef<Value> taps, Value initial) {
    int64_t rowSize = conv.inputShape[2] * channels;
    llvm::DenseMap<std::pair<int64_t, int64_t>, Value> loaded;
    SmallVector<Value> acc(count, initial);
    for (int64_t i = 0; i < kh; ++i)
      for (int64_t j = 0; j < kw; ++j)
        for (int64_t p = 0; p < count; ++p) {
          int64_t column = p * conv.strides[1] + j * conv.dilations[1];
          Value &x = loaded[{i, column}];
          if (!x)
            x = loadActivation(k.add(
                first, i * conv.dilations[0] * rowSize + column * channels),
                width);
          acc[p] = k.target.multiplyAdd(k.b, k.loc, conv.kind, acc[p], x,
                                        taps[i * kw + j]);
        }
    for (int64_t p = 0; p < count; ++p) {
      Value flat = k.add(k.mul(k.add(pixel, p), channels), channel);
      epilogue.emit({flat, channel, width}, k.concatenate({acc[p]}, width));
    }
  }

  /// `width` activations, as i32 or f32 lanes; the other lanes are zero.
  Value loadActivation(Value index, int64_t width) {
    Value x = k.loadVector(activations, index, width);
    x = k.extend(x, cast<RankedTensorType>(conv.input.getType()).getElementType());
    return k.widen(x, lanes);
  }

  Value loadTap(int64_t i, Value channel) {
    Value w = k.loadVector(weights, k.add(channel, i * padded()), lanes);
    return k.extend(w, cast<VectorType>(w.getType()).getElementType());
  }

  int64_t padded() const { return (channels + lanes - 1) / lanes * lanes; }

  template <typename T> std::vector<T> packWeights() {
    std::vector<T> data(kh * kw * padded(), T(0));
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < kh * kw; ++i)
        data[i * padded() + c] = T(conv.filter.get(c * kh * kw + i));
    return data;
  }
  template <typename T> std::vector<T> packBias() {
    std::vector<T> data(padded(), T(0));
    for (int64_t c = 0; c < channels; ++c)
      data[c] = T(conv.bias.get(c));
    return data;
  }
  void pack() {
    if (isFloat) {
      weights = k.constants<float>(packWeights<float>());
      bias = k.constants<float>(packBias<float>());
    } else {
      weights = k.constants<int8_t>(packWeights<int8_t>());
      bias = k.constants<int32_t>(packBias<int32_t>());
    }
  }

  KernelBuilder &k;
  const ConvOperands &conv;
  PointwiseEmitter &epilogue;
  int64_t lanes;
  bool isFloat;
  int64_t channels, kh, kw;
  Value activations, weights, bias;
};
} // namespace

LogicalResult codegen::emitDepthwise(KernelBuilder &k, Operation *anchor) {
  auto conv = ConvOperands::read(anchor);
  if (failed(conv))
    return failure();
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  DepthwiseEmitter(k, *conv, *epilogue).emit();
  return success();
}
