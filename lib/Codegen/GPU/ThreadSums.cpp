//===- ThreadSums.cpp - whole sums in one thread --------------------------===//
//
// For contractions too small for tensor cores, and for floats: a thread has one
// row and up to eight channels of a group. Neighbouring threads have
// neighbouring channels, then groups, then rows.
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
class ThreadSumEmitter {
public:
  ThreadSumEmitter(GPUKernelBuilder &k, const Contraction &c,
                   PointwiseEmitter &epilogue)
      : k(k), c(c), epilogue(epilogue), isFloat(c.kind == OperandKind::F32),
        unit(isFloat ? 1 : 4), gather(k, c, unit),
        columns(std::min<int64_t>(8, llvm::PowerOf2Ceil(c.channels))),
        blocks(llvm::divideCeil(c.channels, columns)) {}

  void emit() {
    if (isFloat) {
      weights = k.constants<float>(packWeights<float>());
      bias = k.constants<float>(
          gpu_kernels::packBias<float>(c, blocks * columns));
    } else {
      weights = k.constants<int8_t>(packWeights<int8_t>());
      bias = k.constants<int32_t>(
          gpu_kernels::packBias<int32_t>(c, blocks * columns));
    }
    k.forThreads(gather.rows() * c.groups * blocks, [&](Value item) {
      Value row = k.div(item, c.groups * blocks);
      Value rest = k.rem(item, c.groups * blocks);
      emitThread(row, k.div(rest, blocks), k.rem(rest, blocks), rest);
    });
  }

private:
  void emitThread(Value row, Value group, Value block, Value panel) {
    Value base = k.add(gather.rowBase(row), k.mul(group, c.groupStride));
    Value panelWeights = k.mul(panel, gather.depth() * columns);
    Value initial = k.loadVector(bias, k.mul(panel, columns), columns);
    KernelBuilder::Carried sums;
    if (isFloat)
      sums.push_back(initial);
    else
      for (int64_t n = 0; n < columns; ++n)
        sums.push_back(vector::ExtractOp::create(k.b, k.loc, initial, n));
    sums = sumSegments(0, base, k.index(0), sums, panelWeights);
    Value vector = isFloat ? sums.front()
                           : vector::FromElementsOp::create(
                                 k.b, k.loc,
                                 k.vectorType(columns, k.b.getI32Type()), sums);
    finish(row, group, k.mul(block, columns), vector);
  }

  /// The nested segment loops from `level` inwards; `segment` counts segments.
  KernelBuilder::Carried sumSegments(size_t level, Value base, Value segment,
                                     KernelBuilder::Carried sums,
                                     Value panelWeights) {
    if (level < c.segmentLoops.size()) {
      int64_t extent = c.segmentLoops[level].first,
              stride = c.segmentLoops[level].second;
      return k.loop(extent, sums, [&](Value i, ValueRange values) {
        return sumSegments(level + 1, k.add(base, k.mul(i, stride)),
                           k.add(k.mul(segment, extent), i),
                           llvm::to_vector(values), panelWeights);
      });
    }
    Value from =
        k.add(panelWeights, k.mul(segment, gather.segmentDepth() * columns));
    int64_t steps = gather.segmentDepth() / unit;
    return k.loop(steps, sums, [&](Value step, ValueRange values) {
      Value within = k.mul(step, unit);
      Value w = k.loadVector(weights, k.add(from, k.mul(step, unit * columns)),
                             unit * columns);
      return isFloat ? addFloats(base, within, w, values)
                     : addWords(base, within, w, values);
    });
  }

  KernelBuilder::Carried addFloats(Value base, Value within, Value w,
                                   ValueRange sums) {
    Value x = k.loadVector(c.activations, k.add(base, within), 1);
    Value splat = vector::BroadcastOp::create(k.b, k.loc, w.getType(), x);
    return {k.warps.multiplyAdd(k.b, k.loc, c.kind, sums.front(), splat, w)};
  }

  KernelBuilder::Carried addWords(Value base, Value within, Value w,
                                  ValueRange sums) {
    Value x = gather.loadWords(base, {k.index(0), within}).front();
    KernelBuilder::Carried next(sums);
    for (int64_t n = 0; n < columns; ++n) {
      Value word = columns == 1 ? w
                                : vector::ExtractStridedSliceOp::create(
                                      k.b, k.loc, w, ArrayRef<int64_t>{4 * n},
                                      ArrayRef<int64_t>{4},
                                      ArrayRef<int64_t>{1});
      next[n] = k.warps.dotWords(k.b, k.loc, c.kind, next[n], x, word);
    }
    return next;
  }

  void finish(Value row, Value group, Value channel, Value vector) {
    auto emitLanes = [&](int64_t lanes) {
      Value column = k.add(k.mul(group, c.channels), channel);
      Value flat = k.add(k.mul(row, c.channels * c.groups), column);
      epilogue.emit({flat, column, lanes}, k.concatenate({vector}, lanes));
    };
    int64_t tail = c.channels % columns;
    if (!tail)
      return emitLanes(columns);
    if (c.channels < columns)
      return emitLanes(tail);
    k.whenElse(k.less(channel, c.channels - tail),
               [&] { emitLanes(columns); }, [&] { emitLanes(tail); });
  }

  /// [group][block of columns][depth / unit][column][unit]
  template <typename T> std::vector<T> packWeights() {
    int64_t panel = gather.depth() * columns;
    std::vector<T> data(c.groups * blocks * panel, T(0));
    for (int64_t g = 0; g < c.groups; ++g)
      for (int64_t n = 0; n < c.channels; ++n) {
        std::vector<T> channel = gather.packChannel<T>(g * c.channels + n);
        int64_t base = (g * blocks + n / columns) * panel;
        for (int64_t i = 0; i < gather.depth(); ++i)
          data[base + (i / unit * columns + n % columns) * unit + i % unit] =
              channel[i];
      }
    return data;
  }

  GPUKernelBuilder &k;
  const Contraction &c;
  PointwiseEmitter &epilogue;
  bool isFloat;
  int64_t unit;
  Gather gather;
  int64_t columns, blocks;
  Value weights, bias;
};
} // namespace

void gpu_kernels::emitOnThreads(GPUKernelBuilder &k, const Contraction &c,
                                PointwiseEmitter &epilogue) {
  ThreadSumEmitter(k, c, epilogue).emit();
}
