//===- Depthwise.cpp - one filter a channel on a GPU ----------------------===//
//
// A thread has four channels of some neighbouring pixels of a row, and loads
// each column that they share once. Neighbouring threads have neighbouring
// channels.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
constexpr int64_t kChannels = 4;

class DepthwiseEmitter {
public:
  DepthwiseEmitter(GPUKernelBuilder &k, const ConvOperands &conv,
                   PointwiseEmitter &epilogue)
      : k(k), conv(conv), epilogue(epilogue),
        isFloat(conv.kind == OperandKind::F32), channels(conv.inputShape[3]),
        kh(conv.filterShape[1]), kw(conv.filterShape[2]),
        quads(llvm::divideCeil(channels, kChannels)),
        rows(conv.inputShape[0] * conv.outputShape[1]),
        columns(conv.outputShape[2]), pixels(choosePixels()) {}

  void emit() {
    pack();
    activations = k.buffer(conv.input);
    int64_t tilesPerRow = columns / pixels;
    k.forThreads(rows * tilesPerRow * quads, [&](Value item) {
      Value channel = k.mul(k.rem(item, quads), kChannels);
      Value rest = k.div(item, quads);
      Value column = k.mul(k.rem(rest, tilesPerRow), pixels);
      Value row = k.div(rest, tilesPerRow);
      int64_t tail = channels % kChannels;
      auto at = [&](int64_t width) { emitTile(row, column, channel, width); };
      if (!tail)
        return at(kChannels);
      if (channels < kChannels)
        return at(tail);
      k.whenElse(k.less(channel, channels - tail), [&] { at(kChannels); },
                 [&] { at(tail); });
    });
  }

private:
  /// The most neighbours that divide a row and leave enough threads.
  int64_t choosePixels() const {
    constexpr int64_t enoughThreads = 1 << 15;
    for (int64_t p = 7; p > 1; --p)
      if (columns % p == 0 && rows * (columns / p) * quads >= enoughThreads)
        return p;
    return 1;
  }

  void emitTile(Value row, Value column, Value channel, int64_t width) {
    int64_t rowSize = conv.inputShape[2] * channels;
    Value y = row, imageBase = k.index(0);
    if (conv.inputShape[0] > 1) {
      y = k.rem(row, conv.outputShape[1]);
      imageBase = k.mul(k.div(row, conv.outputShape[1]),
                        conv.inputShape[1] * rowSize);
    }
    Value first = k.add(imageBase, k.mul(y, conv.strides[0] * rowSize));
    first = k.add(first, k.mul(column, conv.strides[1] * channels));
    first = k.add(first, channel);

    Value initial = k.loadVector(bias, channel, kChannels);
    SmallVector<Value> sums(pixels, k.concatenate({initial}, width));
    for (int64_t i = 0; i < kh; ++i) {
      llvm::DenseMap<int64_t, Value> loaded; // columns of this kernel row
      for (int64_t j = 0; j < kw; ++j) {
        Value tap = loadTap(i * kw + j, channel, width);
        for (int64_t p = 0; p < pixels; ++p) {
          int64_t at = p * conv.strides[1] + j * conv.dilations[1];
          Value &x = loaded[at];
          if (!x)
            x = loadActivation(
                k.add(first, i * conv.dilations[0] * rowSize + at * channels),
                width);
          sums[p] = k.warps.multiplyAdd(k.b, k.loc, conv.kind, sums[p], x, tap);
        }
      }
    }
    Value pixel = k.add(k.mul(row, columns), column);
    for (int64_t p = 0; p < pixels; ++p) {
      Value flat = k.add(k.mul(k.add(pixel, p), channels), channel);
      epilogue.emit({flat, channel, width}, sums[p]);
    }
  }

  Value loadActivation(Value index, int64_t width) {
    Value x = k.loadVector(activations, index, width);
    return k.extend(
        x, cast<RankedTensorType>(conv.input.getType()).getElementType());
  }

  Value loadTap(int64_t i, Value channel, int64_t width) {
    Value w = k.loadVector(weights, k.add(channel, i * quads * kChannels),
                           kChannels);
    w = k.concatenate({w}, width);
    return k.extend(w, cast<VectorType>(w.getType()).getElementType());
  }

  /// [tap][channel], channels padded.
  template <typename T> std::vector<T> packWeights() {
    std::vector<T> data(kh * kw * quads * kChannels, T(0));
    for (int64_t n = 0; n < channels; ++n)
      for (int64_t i = 0; i < kh * kw; ++i)
        data[i * quads * kChannels + n] = T(conv.filter.get(n * kh * kw + i));
    return data;
  }
  template <typename T> std::vector<T> packBias() {
    std::vector<T> data(quads * kChannels, T(0));
    for (int64_t n = 0; n < channels; ++n)
      data[n] = T(conv.bias.get(n));
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

  GPUKernelBuilder &k;
  const ConvOperands &conv;
  PointwiseEmitter &epilogue;
  bool isFloat;
  int64_t channels, kh, kw, quads, rows, columns, pixels;
  Value activations, weights, bias;
};
} // namespace

LogicalResult gpu_kernels::emitDepthwise(GPUKernelBuilder &k,
                                         const ConvOperands &conv) {
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  DepthwiseEmitter(k, conv, *epilogue).emit();
  return success();
}
