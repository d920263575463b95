//===- Reduction.cpp - sums and means over dimensions ---------------------===//
//
// What is innermost decides: kept elements are lanes of their own; summed ones
// become partial sums of one result.
//
//===----------------------------------------------------------------------===//
#include "Reduction.h"
#include "Emitters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

Value codegen::emitAdd(KernelBuilder &k, Value x, Value y) {
  if (cast<VectorType>(x.getType()).getElementType().isF32())
    return arith::AddFOp::create(k.b, k.loc, x, y);
  return arith::AddIOp::create(k.b, k.loc, x, y);
}

Value codegen::reduceLanes(KernelBuilder &k, vector::CombiningKind kind,
                           Value vector) {
  bool isFloat = cast<VectorType>(vector.getType()).getElementType().isF32();
  return vector::ReductionOp::create(k.b, k.loc, kind, vector,
                                     isFloat ? arith::FastMathFlags::reassoc
                                             : arith::FastMathFlags::none);
}

Value codegen::emitSum(KernelBuilder &k, int64_t count, VectorType type,
                       SumStep step) {
  constexpr int64_t block = 32;
  Value zero = arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
  auto sum = [&](Value first, int64_t n) -> Value {
    return k.loop(n, {zero}, [&](Value i, ValueRange acc) {
      return KernelBuilder::Carried{step(k.add(first, i), acc[0])};
    })[0];
  };
  if (!type.getElementType().isF32() || count <= 2 * block)
    return sum(k.index(0), count);
  int64_t blocks = count / block, tail = count % block;
  Value total = k.loop(blocks, {zero}, [&](Value i, ValueRange acc) {
    return KernelBuilder::Carried{emitAdd(k, acc[0], sum(k.mul(i, block), block))};
  })[0];
  if (tail)
    total = emitAdd(k, total, sum(k.index(blocks * block), tail));
  return total;
}

Value codegen::emitRowSum(KernelBuilder &k, int64_t count, int64_t width,
                          Type element, ReadVector read) {
  width = std::min(width, count);
  auto type = k.vectorType(width, element);
  Value sum = emitSum(k, count / width, type, [&](Value i, Value sum) {
    return emitAdd(k, sum, read(k.mul(i, width), width));
  });
  if (int64_t tail = count % width)
    sum = emitAdd(k, sum, k.widen(read(k.index(count - tail), tail), width));
  return sum;
}

ReductionAxes ReductionAxes::split(ArrayRef<int64_t> shape,
                                   ArrayRef<int64_t> axes, bool canFlatten) {
  ReductionAxes result;
  int64_t rank = shape.size(), inputStride = 1, outputStride = 1;
  std::optional<bool> previous;
  bool isLastKept = true, barrier = false;
  for (int64_t i = rank - 1; i >= 0; --i) {
    bool isSummed = llvm::is_contained(axes, i);
    int64_t extent = shape[i];
    // Vectors of kept elements stay in a row of the result if they must: its
    // last dimension doesn't join the others.
    bool mustStand = !isSummed && isLastKept && !canFlatten;
    if (extent != 1 || mustStand) {
      if (!previous)
        result.lastIsSummed = isSummed;
      auto &list = isSummed ? result.summed : result.kept;
      bool joins = previous && *previous == isSummed && !barrier;
      if (joins)
        list.front().extent *= extent;
      else
        list.insert(list.begin(), {extent, inputStride, outputStride});
      previous = isSummed;
      barrier = mustStand;
    }
    isLastKept &= isSummed;
    inputStride *= extent;
    if (isSummed)
      result.count *= extent;
    else
      outputStride *= extent;
  }
  if (result.summed.empty() && result.kept.empty())
    result.kept.push_back({1, 1, 1});
  return result;
}

namespace {
using Axis = ReductionAxis;
using Share = KernelBuilder::Share;

class ReductionEmitter {
public:
  ReductionEmitter(KernelBuilder &k, ResultSink &sink, Value input,
                   ArrayRef<int64_t> axes)
      : k(k), sink(sink), input(k.buffer(input)),
        element(tensorTypeOf(input).getElementType()) {
    auto split = ReductionAxes::split(tensorTypeOf(input).getShape(), axes,
                                      sink.canFlatten());
    kept = split.kept;
    summed = split.summed;
    lastIsSummed = split.lastIsSummed;
    total = split.count;
  }

  /// `finish` turns sums (i32 or f32 lanes) into the result's values.
  void emit(llvm::function_ref<Value(Value sum)> finish) {
    auto store = [&](Value out, Value sum) { sink.emitAt(out, finish(sum)); };
    if (!lastIsSummed && !kept.empty()) {
      Axis lanes = kept.pop_back_val();
      bool leavesRows = lanes.extent != sink.rowExtent() && !sink.canFlatten();
      int64_t lanesAtOnce = leavesRows ? 1 : sink.width(element);
      auto extents = llvm::map_to_vector(kept, [](Axis a) { return a.extent; });
      k.forPieces(extents, lanes.extent, lanesAtOnce,
                  [&](ValueRange at, Value start, int64_t width) {
                    Value first = start, out = start;
                    for (auto [i, axis] : llvm::zip(at, kept)) {
                      first = k.add(first, k.mul(i, axis.inputStride));
                      out = k.add(out, k.mul(i, axis.outputStride));
                    }
                    Value sums = sumLanes(first, width);
                    store(out, sliceLanes(k, sums, 0, width));
                  });
      return;
    }
    Axis lanes = summed.pop_back_val();
    int64_t width = std::min(sink.width(element), lanes.extent);
    shares = k.share(llvm::map_to_vector(kept, [](Axis a) { return a.extent; }));
    nest(kept, k.index(0), k.index(0), [&](Value in, Value out) {
      Value sums = sum(summed, in, width, [&](Value row) {
        return emitRowSum(k, lanes.extent, width, sumType(),
                          [&](Value at, int64_t n) {
                            return load(k.add(row, at), n);
                          });
      });
      Value total = reduceLanes(k, vector::CombiningKind::ADD, sums);
      store(out, vector::BroadcastOp::create(k.b, k.loc,
                                             k.vectorType(1, sumType()), total));
    });
  }

  int64_t count() const { return total; }

private:
  void nest(ArrayRef<Axis> axes, Value in, Value out,
            llvm::function_ref<void(Value, Value)> body) {
    if (axes.empty())
      return body(in, out);
    Share share = shares[kept.size() - axes.size()];
    k.loop(share, axes.front().extent, 1, [&](Value i) {
      nest(axes.drop_front(), k.add(in, k.mul(i, axes.front().inputStride)),
           k.add(out, k.mul(i, axes.front().outputStride)), body);
    });
  }

  /// Σ read(position) over `axes`.
  Value sum(ArrayRef<Axis> axes, Value in, int64_t width,
            llvm::function_ref<Value(Value)> read) {
    if (axes.empty())
      return read(in);
    return emitSum(k, axes.front().extent, k.vectorType(width, sumType()),
                   [&](Value i, Value acc) {
                     Value at = k.add(in, k.mul(i, axes.front().inputStride));
                     return emitAdd(k, acc,
                                    sum(axes.drop_front(), at, width, read));
                   });
  }

  Type sumType() {
    return element.isF32() ? Type(k.b.getF32Type()) : Type(k.b.getI32Type());
  }

  /// Neighbouring sums in lanes: of whole registers, where bytes become so.
  Value sumLanes(Value first, int64_t width) {
    int64_t lanes = k.target.lanes(), registers = k.target.packedRegisters();
    int64_t whole = registers > 1 ? llvm::alignTo(width, lanes) : width;
    DepthwiseTile tile;
    int64_t bytes = registers * lanes, together = bytes / width;
    if (registers > 1 && !summed.empty() && element.isUnsignedInteger(8))
      tile = k.target.chooseDepthwise({OperandKind::U8, 1, bytes, 2, 2});
    // Rows without gaps, of all that is kept.
    bool areShort = width >= 8 && together > 1 && summed.size() == 1 &&
                    summed[0].inputStride == width;
    if (tile.taps > 1 && areShort && summed[0].extent >= together * tile.taps)
      return k.widen(sumShortRows(first, width, together, tile.taps), whole);
    if (tile.taps > 1 && width > lanes && summed.back().extent >= tile.taps)
      return sumInterleaved(summed, first, width, tile.taps);
    return sum(summed, first, whole, [&](Value at) {
      return k.extend(k.widen(k.loadVector(input, at, width), whole), element);
    });
  }

  /// Sums of rows so short that `together` of them fill the registers: of the
  /// elements of all, and those added up.
  Value sumShortRows(Value first, int64_t width, int64_t together, int64_t taps) {
    Axis rows = summed.back();
    int64_t rest = rows.extent % together;
    Axis groups{rows.extent / together, rows.inputStride * together, 0};
    Value sums = sumInterleaved(groups, first, together * width, taps);
    Value total = sliceLanes(k, sums, 0, width);
    for (int64_t i = 1; i < together; ++i)
      total = emitAdd(k, total, sliceLanes(k, sums, i * width, width));
    for (int64_t i = rows.extent - rest; i < rows.extent; ++i)
      total = emitAdd(k, total, load(k.add(first, i * rows.inputStride), width));
    return total;
  }

  /// Sums of neighbours by products with one, of several rows at once.
  Value sumInterleaved(ArrayRef<Axis> summed, Value first, int64_t width,
                       int64_t taps) {
    using Carried = KernelBuilder::Carried;
    int64_t lanes = k.target.lanes(), registers = k.target.packedRegisters(),
            bytes = registers * lanes;
    auto type = k.vectorType(lanes, k.b.getI32Type());
    Carried zeros(registers, k.splatInt(type, 0));
    // A tap of one fills its part of a lane.
    int32_t one = taps == 4 ? 0x01010101 : 0x00010001;
    Value ones = vector::BitCastOp::create(
        k.b, k.loc, k.vectorType(4 * lanes, k.b.getI8Type()),
        k.splatInt(type, one));
    Axis inner = summed.back();
    auto add = [&](Value at, int64_t rows, ValueRange sums) {
      Carried next(sums);
      SmallVector<Value> loaded;
      for (int64_t i = 0; i < taps; ++i)
        loaded.push_back(
            i < rows ? k.widen(k.loadVector(input,
                                            k.add(at, i * inner.inputStride),
                                            width),
                               bytes)
                     : k.splatInt(k.vectorType(bytes, k.b.getI8Type()), 0));
      auto x = k.target.interleave(k.b, k.loc, OperandKind::U8, loaded,
                                   LaneOrder::Interleaved);
      for (int64_t r = 0; r < registers; ++r)
        next[r] = k.target.dotInterleaved(k.b, k.loc, OperandKind::U8, next[r],
                                          x[r], ones);
      return next;
    };
    std::function<Carried(size_t, Value, Carried)> nest =
        [&](size_t level, Value at, Carried sums) {
          Axis axis = summed[level];
          if (level + 1 < summed.size())
            return k.loop(axis.extent, sums, [&](Value i, ValueRange sums) {
              return nest(level + 1, k.add(at, k.mul(i, axis.inputStride)),
                          Carried(sums));
            });
          int64_t groups = axis.extent / taps, rest = axis.extent % taps;
          sums = k.loop(groups, sums, [&](Value i, ValueRange sums) {
            return add(k.add(at, k.mul(i, taps * axis.inputStride)), taps, sums);
          });
          if (rest)
            sums = add(k.add(at, groups * taps * axis.inputStride), rest, sums);
          return sums;
        };
    Carried sums = nest(0, first, zeros);
    SmallVector<int64_t> order(bytes);
    for (int64_t r = 0; r < registers; ++r)
      for (int64_t lane = 0; lane < lanes; ++lane)
        order[KernelTarget::interleavedChannel(r, lane)] = r * lanes + lane;
    Value all = k.concatenate(sums, bytes);
    return vector::ShuffleOp::create(k.b, k.loc, all, all, order);
  }

  Value load(Value at, int64_t width) {
    return k.extend(k.loadVector(input, at, width), element);
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input;
  Type element;
  SmallVector<Axis> kept, summed; // outermost first
  SmallVector<Share> shares;      // of `kept`
  bool lastIsSummed;
  int64_t total;
};
} // namespace

ReductionSpec codegen::describeReduction(KernelBuilder &k, Operation *anchor) {
  if (auto op = dyn_cast<dyadic::ReduceSumOp>(anchor)) {
    int64_t zp = static_cast<int32_t>(op.getInputZp());
    return {op.getInput(), op.getAxes(), [&k, zp](Value sum, int64_t count) {
              auto type = cast<VectorType>(sum.getType());
              return Value(arith::AddIOp::create(k.b, k.loc, sum,
                                                 k.splatInt(type, -zp * count)));
            }};
  }
  auto op = cast<qnn::ReduceMeanOp>(anchor);
  if (auto counts = op->getAttrOfType<DenseI64ArrayAttr>(kCountsAttr)) {
    std::vector<float> divisors(counts.asArrayRef().begin(),
                                counts.asArrayRef().end());
    Value divisor = k.constantForLength<float>(divisors);
    return {op.getInput(), op.getAxes(), [&k, divisor](Value sum, int64_t) {
              auto type = cast<VectorType>(sum.getType());
              Value one = vector::BroadcastOp::create(
                  k.b, k.loc, type, k.loadVector(divisor, k.index(0), 1));
              return Value(arith::DivFOp::create(k.b, k.loc, sum, one));
            }};
  }
  return {op.getInput(), op.getAxes(), [&k](Value sum, int64_t count) {
            auto type = cast<VectorType>(sum.getType());
            return Value(
                arith::DivFOp::create(k.b, k.loc, sum, k.splat(type, count)));
          }};
}

void codegen::emitReductionLoops(KernelBuilder &k, ResultSink &sink,
                                 const ReductionSpec &spec) {
  ReductionEmitter emitter(k, sink, spec.input, spec.axes);
  emitter.emit(
      [&](Value sum) { return spec.finish(sum, emitter.count()); });
}

LogicalResult codegen::emitReduction(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  emitReductionLoops(k, *sink, describeReduction(k, anchor));
  return success();
}
