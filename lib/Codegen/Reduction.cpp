//===- Reduction.cpp - sums and means over dimensions ---------------------===//
//
// Neighbouring dimensions that are all kept, or all summed, are one. What is
// innermost then decides: kept elements are lanes of their own; summed ones
// become partial sums of one result.
//
//===----------------------------------------------------------------------===//
#include "Reduction.h"
#include "Emitters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

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

namespace {
/// A dimension, or several that are treated alike.
struct Axis {
  int64_t extent, inputStride, outputStride;
};

class ReductionEmitter {
public:
  ReductionEmitter(KernelBuilder &k, ResultSink &sink, Value input,
                   ArrayRef<int64_t> axes)
      : k(k), sink(sink), input(k.buffer(input)),
        element(tensorTypeOf(input).getElementType()) {
    split(tensorTypeOf(input).getShape(), axes);
  }

  /// `finish` turns sums (i32 or f32 lanes) into the result's values.
  void emit(llvm::function_ref<Value(Value sum)> finish) {
    auto store = [&](Value out, Value sum) { sink.emitAt(out, finish(sum)); };
    if (!lastIsSummed && !kept.empty()) {
      Axis lanes = kept.pop_back_val();
      bool leavesRows = lanes.extent != sink.rowExtent() && !sink.canFlatten();
      int64_t lanesAtOnce = leavesRows ? 1 : sink.width(element);
      nest(kept, k.index(0), k.index(0), [&](Value in, Value out) {
        forVectors(k, lanes.extent, lanesAtOnce,
                   [&](Value start, int64_t width) {
                     Value first = k.add(in, start);
                     auto read = [&](Value at) { return load(at, width); };
                     store(k.add(out, start), sum(summed, first, width, read));
                   });
      });
      return;
    }
    Axis lanes = summed.pop_back_val();
    int64_t width = std::min(sink.width(element), lanes.extent);
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
  void split(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
    int64_t rank = shape.size(), inputStride = 1, outputStride = 1;
    std::optional<bool> previous;
    bool isLastKept = true;
    for (int64_t i = rank - 1; i >= 0; --i) {
      bool isSummed = llvm::is_contained(axes, i);
      int64_t extent = shape[i];
      // Vectors of kept elements stay in a row of the result if they must: its
      // last dimension doesn't join the others.
      bool mustStand = !isSummed && isLastKept && !sink.canFlatten();
      if (extent != 1 || mustStand) {
        if (!previous)
          lastIsSummed = isSummed;
        SmallVector<Axis> &list = isSummed ? summed : kept;
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
        total *= extent;
      else
        outputStride *= extent;
    }
    if (summed.empty() && kept.empty())
      kept.push_back({1, 1, 1});
  }

  void nest(ArrayRef<Axis> axes, Value in, Value out,
            llvm::function_ref<void(Value, Value)> body) {
    if (axes.empty())
      return body(in, out);
    k.loop(axes.front().extent, [&](Value i) {
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

  Value load(Value at, int64_t width) {
    return k.extend(k.loadVector(input, at, width), element);
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input;
  Type element;
  SmallVector<Axis> kept, summed; // outermost first
  bool lastIsSummed = false, barrier = false;
  int64_t total = 1;
};
} // namespace

LogicalResult codegen::emitReduction(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  if (auto op = dyn_cast<dyadic::ReduceSumOp>(anchor)) {
    ReductionEmitter emitter(k, *sink, op.getInput(), op.getAxes());
    int64_t offset =
        -int64_t(static_cast<int32_t>(op.getInputZp())) * emitter.count();
    emitter.emit([&](Value sum) -> Value {
      auto type = cast<VectorType>(sum.getType());
      return arith::AddIOp::create(k.b, k.loc, sum, k.splatInt(type, offset));
    });
    return success();
  }
  auto op = cast<qnn::ReduceMeanOp>(anchor);
  ReductionEmitter emitter(k, *sink, op.getInput(), op.getAxes());
  double count = emitter.count();
  emitter.emit([&](Value sum) -> Value {
    auto type = cast<VectorType>(sum.getType());
    return arith::DivFOp::create(k.b, k.loc, sum, k.splat(type, count));
  });
  return success();
}
