//===- Normalization.cpp - softmax and layer normalization ----------------===//
#include "Normalization.h"

#include "Emitters.h"
#include "Reduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class SoftmaxEmitter {
public:
  SoftmaxEmitter(KernelBuilder &k, ResultSink &sink, qnn::SoftmaxOp op)
      : k(k), sink(sink), input(k.buffer(op.getInput())), f32(k.b.getF32Type()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getInput()).getShape();
    int64_t axis = op.getAxis();
    extent = shape[axis];
    inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
    outer = ShapedType::getNumElements(shape.take_front(axis));
    row = sink.canFlatten() ? inner : std::min(inner, sink.rowExtent());
  }

  void emit() {
    if (inner == 1)
      return k.parallelLoop(outer, [&](Value o) { emitRow(k.mul(o, extent)); });
    // Lanes are neighbouring rows along the axis.
    k.forPieces({outer, inner / row}, row, width(),
                [&](ValueRange at, Value start, int64_t n) {
                  Value first = k.add(k.mul(at[0], extent * inner),
                                      k.mul(at[1], row));
                  emitColumns(k.add(first, start), n);
                });
  }

private:
  /// Two registers: the exponential needs the others.
  int64_t width() const { return 2 * k.target.lanes(); }

  Value load(Value at, int64_t n) { return k.loadVector(input, at, n); }

  Value maximum(Value a, Value b) {
    return arith::MaxNumFOp::create(k.b, k.loc, a, b);
  }
  Value exponential(Value x, Value max) {
    Value shifted = arith::SubFOp::create(k.b, k.loc, x, max);
    return math::ExpOp::create(k.b, k.loc, shifted);
  }
  Value broadcast(Value scalar, int64_t n) {
    return vector::BroadcastOp::create(k.b, k.loc, k.vectorType(n, f32), scalar);
  }
  Value reciprocal(Value x) {
    Value one = k.splat(cast<VectorType>(x.getType()), 1);
    return arith::DivFOp::create(k.b, k.loc, one, x);
  }

  /// The exponential at `at`. Without fused ops the result's memory holds those
  /// of the sum until they are scaled; otherwise they are computed twice.
  Value firstExponential(Value at, int64_t n, Value max) {
    Value e = exponential(load(at, n), max);
    if (sink.isDirect())
      k.storeVector(e, k.output(0), at);
    return e;
  }
  void emitScaled(Value at, int64_t n, Value max, Value factor) {
    Value e = sink.isDirect() ? k.loadVector(k.output(0), at, n)
                              : exponential(load(at, n), max);
    sink.emitAt(at, arith::MulFOp::create(k.b, k.loc, e, factor));
  }

  void emitRow(Value base) {
    int64_t lanes = std::min(width(), extent), tail = extent % lanes;
    auto type = k.vectorType(lanes, f32);
    Value lowest = k.splat(type, -std::numeric_limits<float>::infinity());
    Value maxima = k.loop(extent / lanes, {lowest}, [&](Value i, ValueRange acc) {
      Value x = load(k.add(base, k.mul(i, lanes)), lanes);
      return KernelBuilder::Carried{maximum(acc[0], x)};
    })[0];
    Value max = reduceLanes(k, vector::CombiningKind::MAXNUMF, maxima);
    if (tail) {
      Value rest = reduceLanes(k, vector::CombiningKind::MAXNUMF,
                               load(k.add(base, extent - tail), tail));
      max = maximum(max, rest);
    }
    Value sums = emitRowSum(k, extent, lanes, f32, [&](Value at, int64_t n) {
      return firstExponential(k.add(base, at), n, broadcast(max, n));
    });
    Value sum = reduceLanes(k, vector::CombiningKind::ADD, sums);
    Value factor = reciprocal(broadcast(sum, 1));
    k.pieces(extent, lanes, [&](Value at, int64_t n) {
      emitScaled(k.add(base, at), n, broadcast(max, n), broadcast(factor, n));
    });
  }

  void emitColumns(Value start, int64_t n) {
    auto at = [&](Value i) { return k.add(start, k.mul(i, inner)); };
    auto type = k.vectorType(n, f32);
    Value lowest = k.splat(type, -std::numeric_limits<float>::infinity());
    Value max = k.loop(extent, {lowest}, [&](Value i, ValueRange acc) {
      return KernelBuilder::Carried{maximum(acc[0], load(at(i), n))};
    })[0];
    Value sum = emitSum(k, extent, type, [&](Value i, Value acc) {
      return emitAdd(k, acc, firstExponential(at(i), n, max));
    });
    Value factor = reciprocal(sum);
    k.loop(extent, [&](Value i) { emitScaled(at(i), n, max, factor); });
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input;
  Type f32;
  int64_t outer, extent, inner, row;
};
} // namespace

void codegen::emitSoftmaxLoops(KernelBuilder &k, ResultSink &sink,
                               qnn::SoftmaxOp op) {
  SoftmaxEmitter(k, sink, op).emit();
}

LogicalResult codegen::emitSoftmax(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  emitSoftmaxLoops(k, *sink, cast<qnn::SoftmaxOp>(anchor));
  return success();
}

LogicalResult codegen::emitLayerNorm(KernelBuilder &k, Operation *anchor) {
  auto op = cast<qnn::LayerNormOp>(anchor);
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  auto type = tensorTypeOf(op.getInput());
  Type f32 = k.b.getF32Type();
  int64_t extent = type.getShape().back();
  int64_t width = std::min(4 * k.target.lanes(), extent);
  Value input = k.buffer(op.getInput()), scale = k.buffer(op.getScale()),
        bias = k.buffer(op.getBias());
  auto broadcast = [&](Value one, int64_t n) -> Value {
    return vector::BroadcastOp::create(k.b, k.loc, k.vectorType(n, f32), one);
  };
  k.parallelLoop(type.getNumElements() / extent, [&](Value row) {
    Value base = k.mul(row, extent);
    auto load = [&](Value at, int64_t n) {
      return k.loadVector(input, k.add(base, at), n);
    };
    /// The mean of what `read` gives, as a vector of one.
    auto mean = [&](ReadVector read) -> Value {
      Value sum = reduceLanes(k, vector::CombiningKind::ADD,
                              emitRowSum(k, extent, width, f32, read));
      return arith::DivFOp::create(k.b, k.loc, broadcast(sum, 1),
                                   k.splat(k.vectorType(1, f32), extent));
    };
    Value center = mean(load);
    auto centered = [&](Value at, int64_t n) -> Value {
      return arith::SubFOp::create(k.b, k.loc, load(at, n), broadcast(center, n));
    };
    Value variance = mean([&](Value at, int64_t n) -> Value {
      Value x = centered(at, n);
      return arith::MulFOp::create(k.b, k.loc, x, x);
    });
    auto one = k.vectorType(1, f32);
    Value shifted = arith::AddFOp::create(
        k.b, k.loc, variance, k.splat(one, op.getEpsilon().convertToDouble()));
    Value deviation = math::SqrtOp::create(k.b, k.loc, shifted);
    Value factor = arith::DivFOp::create(k.b, k.loc, k.splat(one, 1), deviation);
    k.pieces(extent, width, [&](Value at, int64_t n) {
      Value x = arith::MulFOp::create(k.b, k.loc, centered(at, n),
                                      broadcast(factor, n));
      x = arith::MulFOp::create(k.b, k.loc, x, k.loadVector(scale, at, n));
      x = arith::AddFOp::create(k.b, k.loc, x, k.loadVector(bias, at, n));
      sink->emitAt(k.add(base, at), x);
    });
  });
  return success();
}
