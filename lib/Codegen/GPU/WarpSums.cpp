//===- WarpSums.cpp - a few sums a warp -----------------------------------===//
//
// For few rows: the time is that of reading the weights once, so as many threads
// as possible read them. A warp has four channels of one row; its threads take
// the depth in turn, 4 or 16 bytes each, and add up what they have at the end.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
constexpr int64_t kChannels = 4, kWarps = 4, kLanes = 32;

class WarpSumEmitter {
public:
  WarpSumEmitter(GPUKernelBuilder &k, const Contraction &c,
                 PointwiseEmitter &epilogue)
      : k(k), c(c), epilogue(epilogue),
        unit(c.segments() * c.length >= kLanes * 16 ? 16 : 4),
        gather(k, c, unit),
        blocks(llvm::divideCeil(c.channels, kChannels * kWarps)),
        steps(llvm::divideCeil(gather.depth(), kLanes * unit)) {}

  void emit() {
    k.launch(kWarps * kLanes, blocks, gather.rows());
    Value weights = k.constants<int8_t>(packWeights());
    Value bias = k.constants<int32_t>(
        gpu_kernels::packBias<int32_t>(c, blocks * kChannels * kWarps));
    Value thread = k.thread(), lane = k.rem(thread, kLanes);
    Value quad = k.add(k.mul(k.block(), kWarps), k.div(thread, kLanes));
    Value row = k.block(gpu::Dimension::y);
    Value base = gather.rowBase(row);
    Value weightBase =
        k.add(k.mul(quad, steps * stepBytes()), k.mul(lane, unit));

    Value zero = arith::ConstantOp::create(k.b, k.loc,
                                           k.b.getI32IntegerAttr(0));
    KernelBuilder::Carried sums(kChannels, zero);
    sums = k.loop(steps, sums, [&](Value step, ValueRange values) {
      Value at = k.add(k.mul(step, kLanes * unit), k.mul(lane, unit));
      auto x = gather.loadWords(base, gather.place(at, steps * kLanes * unit));
      KernelBuilder::Carried next(values);
      for (int64_t n = 0; n < kChannels; ++n) {
        Value from = k.add(k.add(weightBase, k.mul(step, stepBytes())),
                           n * kLanes * unit);
        Value bytes = k.loadVector(weights, from, unit);
        for (auto [i, word] : llvm::enumerate(x))
          next[n] = k.warps.dotWords(k.b, k.loc, c.kind, next[n], word,
                                     wordOf(bytes, i));
      }
      return next;
    });
    for (Value &sum : sums)
      sum = addLanes(sum);

    Value channel = k.mul(quad, kChannels);
    k.when(k.equal(lane, 0), [&] { finish(row, channel, sums, bias); });
  }

private:
  int64_t stepBytes() const { return kChannels * kLanes * unit; }

  Value wordOf(Value bytes, int64_t i) {
    if (unit == 4)
      return bytes;
    return vector::ExtractStridedSliceOp::create(
        k.b, k.loc, bytes, ArrayRef<int64_t>{4 * i}, ArrayRef<int64_t>{4},
        ArrayRef<int64_t>{1});
  }

  /// The sum over the warp, in every thread.
  Value addLanes(Value sum) {
    for (int64_t offset = kLanes / 2; offset; offset /= 2) {
      auto other = gpu::ShuffleOp::create(k.b, k.loc, sum, offset, kLanes,
                                          gpu::ShuffleMode::XOR);
      sum = arith::AddIOp::create(k.b, k.loc, sum, other.getShuffleResult());
    }
    return sum;
  }

  void finish(Value row, Value channel, ValueRange sums, Value bias) {
    int64_t width = wholeWidth(kChannels, c.channels);
    auto type = k.vectorType(width, k.b.getI32Type());
    for (int64_t begin = 0; begin < kChannels; begin += width) {
      Value first = k.add(channel, begin);
      auto emitPiece = [&] {
        Value vector = vector::FromElementsOp::create(
            k.b, k.loc, type, sums.slice(begin, width));
        vector = arith::AddIOp::create(k.b, k.loc, vector,
                                       k.loadVector(bias, first, width));
        Value flat = k.add(k.mul(row, c.channels), first);
        epilogue.emit({flat, first, width}, vector);
      };
      if (c.channels % (kChannels * kWarps))
        k.when(k.less(first, c.channels), emitPiece);
      else
        emitPiece();
    }
  }

  /// [four channels][step][channel][lane][unit]
  std::vector<int8_t> packWeights() {
    std::vector<int8_t> data(blocks * kWarps * steps * stepBytes());
    for (int64_t n = 0; n < c.channels; ++n) {
      std::vector<int8_t> channel = gather.packChannel<int8_t>(n);
      int64_t quad = n / kChannels * steps * stepBytes() +
                     n % kChannels * kLanes * unit;
      for (int64_t i = 0; i < gather.depth(); ++i)
        data[quad + i / (kLanes * unit) * stepBytes() + i % (kLanes * unit)] =
            channel[i];
    }
    return data;
  }

  GPUKernelBuilder &k;
  const Contraction &c;
  PointwiseEmitter &epilogue;
  int64_t unit;
  Gather gather;
  int64_t blocks, steps;
};
} // namespace

void gpu_kernels::emitOnWarps(GPUKernelBuilder &k, const Contraction &c,
                              PointwiseEmitter &epilogue) {
  WarpSumEmitter(k, c, epilogue).emit();
}
