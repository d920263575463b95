//===- Normalization.cpp - softmax, layer and RMS normalization -----------===//
//
// The formulas of the CPU's kernels; a warp or a block has one row, each thread
// some of its elements.
//
//===----------------------------------------------------------------------===//
#include "../Normalization.h"

#include "Emitters.h"
#include "Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

using vector::CombiningKind;

static Value same(Value x) { return x; }

namespace {
/// Arithmetic of f32 vectors with scalars.
struct FloatOps {
  GPUKernelBuilder &k;
  VectorType type;

  Value all(Value scalar) {
    return vector::BroadcastOp::create(k.b, k.loc, type, scalar);
  }
  Value constant(double value) {
    return arith::ConstantOp::create(k.b, k.loc, k.b.getF32FloatAttr(value));
  }
  template <typename Op> Value make(Value lhs, Value rhs) {
    return Op::create(k.b, k.loc, lhs, rhs);
  }
};
} // namespace

LogicalResult gpu_kernels::emitSoftmax(GPUKernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  auto op = cast<qnn::SoftmaxOp>(anchor);
  auto type = tensorTypeOf(op.getInput());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t axis = op.getAxis(), extent = shape[axis];
  if (ShapedType::getNumElements(shape.drop_front(axis + 1)) != 1) {
    // Neighbouring threads have neighbouring elements as it is.
    emitSoftmaxLoops(k, *sink, op);
    return success();
  }
  int64_t width = rowPieceWidth(extent);
  FloatOps f{k, k.vectorType(width, k.b.getF32Type())};
  Value input = k.buffer(op.getInput());
  RowThreads row(k, extent, width);
  row.forRows(type.getNumElements() / extent, [&](Value i) {
    Value base = k.mul(i, extent);
    RowPart part(row, f.type, [&](Value at) {
      return k.loadVector(input, k.add(base, at), width);
    });
    Value max = f.all(part.reduce(CombiningKind::MAXNUMF, same));
    part.map([&](Value x) -> Value {
      return math::ExpOp::create(k.b, k.loc, f.make<arith::SubFOp>(x, max));
    });
    Value sum = part.reduce(CombiningKind::ADD, same);
    Value factor = f.all(f.make<arith::DivFOp>(f.constant(1), sum));
    part.forEach([&](Value at, Value x) {
      sink->emitAt(k.add(base, at), f.make<arith::MulFOp>(x, factor));
    });
  });
  return success();
}

LogicalResult gpu_kernels::emitLayerNorm(GPUKernelBuilder &k,
                                         Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  auto op = cast<qnn::LayerNormOp>(anchor);
  auto type = tensorTypeOf(op.getInput());
  int64_t extent = type.getShape().back(), width = rowPieceWidth(extent);
  FloatOps f{k, k.vectorType(width, k.b.getF32Type())};
  Value input = k.buffer(op.getInput()), scale = k.buffer(op.getScale()),
        bias = k.buffer(op.getBias());
  RowThreads row(k, extent, width);
  row.forRows(type.getNumElements() / extent, [&](Value i) {
    Value base = k.mul(i, extent);
    RowPart part(row, f.type, [&](Value at) {
      return k.loadVector(input, k.add(base, at), width);
    });
    auto mean = [&](RowPart::Map map) {
      Value sum = part.reduce(CombiningKind::ADD, std::move(map));
      return f.make<arith::DivFOp>(sum, f.constant(extent));
    };
    Value center; // what the map of a long row refers to
    if (op.getCentered()) {
      center = f.all(mean(same));
      part.map([&](Value x) { return f.make<arith::SubFOp>(x, center); });
    }
    Value variance =
        mean([&](Value x) { return f.make<arith::MulFOp>(x, x); });
    Value deviation = math::SqrtOp::create(
        k.b, k.loc,
        f.make<arith::AddFOp>(variance,
                              f.constant(op.getEpsilon().convertToDouble())));
    Value factor = f.all(f.make<arith::DivFOp>(f.constant(1), deviation));
    part.forEach([&](Value at, Value x) {
      x = f.make<arith::MulFOp>(x, factor);
      x = f.make<arith::MulFOp>(x, k.loadVector(scale, at, width));
      x = f.make<arith::AddFOp>(x, k.loadVector(bias, at, width));
      sink->emitAt(k.add(base, at), x);
    });
  });
  return success();
}
