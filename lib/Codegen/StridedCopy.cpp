//===- StridedCopy.cpp ----------------------------------------------------===//
#include "StridedCopy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

void codegen::emitRun(KernelBuilder &k, ResultSink &sink, int64_t count,
                      int64_t channel, Value outputStart,
                      function_ref<Value(Value, int64_t)> read, Type element) {
  int64_t row = sink.rowExtent();
  bool rows = !sink.canFlatten() && channel + count > row;
  int64_t runs = rows ? count / row : 1, length = rows ? row : count;
  auto emit = [&] {
    k.parallelLoop(runs, [&](Value r) {
      Value base = k.mul(r, row);
      k.parallelPieces(
          length, sink.width(element), [&](Value start, int64_t width) {
            Value at = k.add(base, start);
            Value column = sink.canFlatten() ? Value() : k.add(start, channel);
            sink.emit({k.add(outputStart, at), column, width}, read(at, width));
          });
    });
  };
  if (runs == 1 && length <= sink.width(element))
    return k.onOneThread(emit);
  emit();
}

SmallVector<CopyLoop> codegen::joinLoops(ArrayRef<CopyLoop> loops,
                                         bool joinLast) {
  SmallVector<CopyLoop> result;
  for (auto [i, loop] : llvm::enumerate(loops)) {
    bool isLast = i + 1 == loops.size();
    if (loop.extent == 1 && (joinLast || !isLast))
      continue;
    bool mayJoin = !result.empty() && (joinLast || !isLast);
    if (mayJoin) {
      CopyLoop &outer = result.back();
      if (outer.inputStride == loop.inputStride * loop.extent &&
          outer.outputStride == loop.outputStride * loop.extent) {
        outer = {outer.extent * loop.extent, loop.inputStride, loop.outputStride};
        continue;
      }
    }
    result.push_back(loop);
  }
  if (result.empty())
    result.push_back({1, 1, 1});
  if (result.back().extent == 1)
    result.back().inputStride = result.back().outputStride = 1;
  return result;
}

namespace {
class CopyEmitter {
public:
  CopyEmitter(KernelBuilder &k, ResultSink &sink, const StridedCopy &copy)
      : k(k), sink(sink), copy(copy),
        loops(joinLoops(copy.loops, sink.canFlatten())), last(loops.back()),
        element(cast<MemRefType>(copy.input.getType()).getElementType()),
        channelBase(copy.outputOffset % sink.rowExtent()) {}

  void emit() {
    Value in = k.index(copy.inputOffset), out = k.index(copy.outputOffset);
    ArrayRef<CopyLoop> outer = ArrayRef(loops).drop_back();
    if (last.outputStride != 1)
      return nest(loops, in, out, [&](Value in, Value out) { emitRow(in, out, 1); });
    if (last.inputStride >= 1 && last.inputStride <= kMaxGap)
      return nest(outer, in, out, [&](Value in, Value out) {
        emitRow(in, out, last.extent);
      });
    int64_t tile = tileSize();
    for (auto [i, loop] : llvm::enumerate(outer))
      if (loop.inputStride == 1 && tile > 1) {
        across = loop;
        SmallVector<CopyLoop> rest(outer);
        rest.erase(rest.begin() + i);
        bool adjacent = i + 1 == outer.size();
        return nest(rest, in, out, [&](Value in, Value out) {
          emitTransposed(in, out, tile, adjacent);
        });
      }
    nest(outer, in, out, [&](Value in, Value out) {
      k.parallelLoop(last.extent, [&](Value i) {
        emitPiece(k.add(out, i), i,
                  load(k.add(in, k.mul(i, last.inputStride)), 1));
      });
    });
  }

private:
  /// Elements that lie this close are read together and picked out.
  static constexpr int64_t kMaxGap = 4;

  using Body = llvm::function_ref<void(Value in, Value out)>;

  void nest(ArrayRef<CopyLoop> rest, Value in, Value out, Body body) {
    nest(rest,
         k.share(llvm::map_to_vector(
             rest, [](const CopyLoop &loop) { return loop.extent; })),
         in, out, body);
  }
  void nest(ArrayRef<CopyLoop> rest, ArrayRef<KernelBuilder::Share> shares,
            Value in, Value out, Body body) {
    if (rest.empty())
      return body(in, out);
    const CopyLoop &loop = rest.front();
    k.loop(shares.front(), loop.extent, 1, [&](Value i) {
      nest(rest.drop_front(), shares.drop_front(),
           k.add(in, k.mul(i, loop.inputStride)),
           k.add(out, k.mul(i, loop.outputStride)), body);
    });
  }

  Value load(Value at, int64_t width) {
    return k.loadVector(copy.input, at, width);
  }

  Value shuffle(Value a, Value b, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(k.b, k.loc, a, b, mask);
  }

  /// Stores elements that start `column` into the last loop.
  void emitPiece(Value out, Value column, Value vector) {
    Value channel =
        sink.canFlatten() ? Value() : k.add(column, k.index(channelBase));
    int64_t width = cast<VectorType>(vector.getType()).getNumElements();
    sink.emit({out, channel, width}, vector);
  }

  /// A run of the last loop.
  void emitRow(Value in, Value out, int64_t extent) {
    int64_t gap = last.inputStride;
    int64_t width = sink.width(element) / (extent > 1 && gap > 1 ? 4 : 1);
    k.parallelPieces(extent, std::max<int64_t>(width, 1), [&](Value start, int64_t n) {
      Value from = k.add(in, k.mul(start, gap));
      Value vector = load(from, n == 1 ? 1 : (n - 1) * gap + 1);
      if (n > 1 && gap > 1) {
        SmallVector<int64_t> mask;
        for (int64_t i = 0; i < n; ++i)
          mask.push_back(i * gap);
        vector = shuffle(vector, vector, mask);
      }
      emitPiece(k.add(out, start), start, vector);
    });
  }

  //===--- Transposed tiles ------------------------------------------------===//

  /// The side of a square tile: a register of f32, or of 16 bytes or words.
  int64_t tileSize() const {
    int64_t lanes = k.target.lanes();
    if (lanes == 1)
      return 1;
    return element.getIntOrFloatBitWidth() == 32 ? lanes : 16;
  }

  /// `across` is contiguous in the input, `last` in the result.
  void emitTransposed(Value in, Value out, int64_t tile, bool adjacent) {
    // A few channels: whole pixels make one run of memory, whose elements are
    // (de)interleaved without holes.
    bool interleave = sink.canFlatten() && adjacent && last.extent <= kMaxGap &&
                      across.outputStride == last.extent;
    bool deinterleave =
        across.extent <= kMaxGap && last.inputStride == across.extent;
    if (interleave)
      return k.parallelPieces(across.extent, tile, [&](Value a, int64_t count) {
        interleaveChannels(k.add(in, a),
                           k.add(out, k.mul(a, across.outputStride)), count);
      });
    if (deinterleave)
      return k.parallelPieces(last.extent, tile, [&](Value b, int64_t count) {
        deinterleaveChannels(k.add(in, k.mul(b, last.inputStride)),
                             k.add(out, b), b, count);
      });
    k.parallelPieces(across.extent, tile, [&](Value a, int64_t countA) {
      k.parallelPieces(last.extent, tile, [&](Value b, int64_t countB) {
        transposeTile(k.add(k.add(in, a), k.mul(b, last.inputStride)),
                      k.add(k.add(out, k.mul(a, across.outputStride)), b), b,
                      tile, countA, countB);
      });
    });
  }

  /// One vector whose element i is element `source(i).second` of vector
  /// `source(i).first`, by shuffles of two operands each.
  Value gather(ArrayRef<Value> vectors, int64_t width,
               function_ref<std::pair<int64_t, int64_t>(int64_t)> source) {
    Value result = vectors[0];
    for (int64_t v = 0; v < static_cast<int64_t>(vectors.size()); ++v) {
      SmallVector<int64_t> mask;
      for (int64_t i = 0; i < width; ++i) {
        auto [from, element] = source(i);
        int64_t keep = v == 0 ? 0 : i;
        mask.push_back(from == v ? (v == 0 ? element : width + element) : keep);
      }
      result = shuffle(result, vectors[v], mask);
    }
    return result;
  }

  void interleaveChannels(Value in, Value out, int64_t count) {
    int64_t channels = last.extent;
    SmallVector<Value> planes, chunks;
    for (int64_t c = 0; c < channels; ++c)
      planes.push_back(load(k.add(in, c * last.inputStride), count));
    for (int64_t j = 0; j < channels; ++j)
      chunks.push_back(gather(planes, count, [&](int64_t i) {
        int64_t flat = j * count + i;
        return std::pair(flat % channels, flat / channels);
      }));
    for (int64_t j = 0; j < channels; ++j)
      sink.emit({k.add(out, j * count), Value(), count}, chunks[j]);
  }

  void deinterleaveChannels(Value in, Value out, Value column, int64_t count) {
    int64_t channels = across.extent;
    SmallVector<Value> chunks;
    for (int64_t j = 0; j < channels; ++j)
      chunks.push_back(load(k.add(in, j * count), count));
    for (int64_t c = 0; c < channels; ++c) {
      Value plane = gather(chunks, count, [&](int64_t i) {
        int64_t flat = i * channels + c;
        return std::pair(flat / count, flat % count);
      });
      emitPiece(k.add(out, c * across.outputStride), column, plane);
    }
  }

  /// Rows of `countA` elements in, rows of `countB` out: blocks off the diagonal
  /// change places at every power of two.
  void transposeTile(Value in, Value out, Value column, int64_t tile,
                     int64_t countA, int64_t countB) {
    SmallVector<Value> rows;
    for (int64_t b = 0; b < countB; ++b)
      rows.push_back(k.widen(load(k.add(in, b * last.inputStride), countA), tile));
    auto type = cast<VectorType>(rows.front().getType());
    rows.resize(tile, arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type)));
    for (int64_t block = 1; block < tile; block *= 2)
      for (int64_t r = 0; r < tile; ++r) {
        if (r & block)
          continue;
        SmallVector<int64_t> low, high;
        for (int64_t c = 0; c < tile; ++c) {
          low.push_back(c & block ? tile + c - block : c);
          high.push_back(c & block ? tile + c : c + block);
        }
        Value a = rows[r], b = rows[r + block];
        rows[r] = shuffle(a, b, low);
        rows[r + block] = shuffle(a, b, high);
      }
    for (int64_t a = 0; a < countA; ++a)
      emitPiece(k.add(out, a * across.outputStride), column,
                k.concatenate({rows[a]}, countB));
  }

  KernelBuilder &k;
  ResultSink &sink;
  const StridedCopy &copy;
  SmallVector<CopyLoop> loops;
  CopyLoop last, across{};
  Type element; // in memory
  int64_t channelBase;
};
} // namespace

void codegen::emitCopy(KernelBuilder &k, ResultSink &sink, StridedCopy copy) {
  CopyEmitter(k, sink, copy).emit();
}
