//===- Normalization.cpp - layer and RMS normalization --------------------===//
//
// A row that fits the registers is loaded once: mean, deviations, variance and
// result come from there. Longer ones are read again for each. RMS norm has no mean
// to take away. Where the result is quantized, scale and bias take its scale and zero point in.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "Reduction.h"
#include "RowPieces.h"
#include "Trim.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class LayerNormEmitter {
public:
  LayerNormEmitter(KernelBuilder &k, ResultSink &sink, qnn::LayerNormOp op)
      : k(k), sink(sink), input(k.buffer(op.getInput())),
        epsilon(op.getEpsilon().convertToDouble()), centered(op.getCentered()),
        f32(k.b.getF32Type()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getInput()).getShape();
    extent = shape.back();
    rows = ShapedType::getNumElements(shape) / extent;
    rowLimit = limitOfRows(k, op.getInput());
    if (QuantizeOp quantize = sink.quantizeOfAnchor())
      takeScale(op, quantize);
    if (!scale) {
      scale = k.buffer(op.getScale());
      bias = k.buffer(op.getBias());
    }
  }

  void emit() {
    RowPieces pieces = cutRow(extent, k.target.lanes());
    auto count = static_cast<int64_t>(pieces.size()),
         registers = k.target.vectorRegisters();
    if (count <= registers) {
      int64_t atOnce =
          std::clamp<int64_t>(registers / (2 * count), 1, rowLimit ? 1 : 2);
      return k.parallelPieces(rows, atOnce, [&](Value row, int64_t together) {
        ifBelow(k, row, rowLimit, [&] {
          emitShortRows(k.mul(row, extent), together, pieces);
        });
      });
    }
    k.parallelLoop(rows, [&](Value row) {
      ifBelow(k, row, rowLimit, [&] { emitLongRow(k.mul(row, extent)); });
    });
  }

private:
  /// Lets scale and bias make what is rounded to bytes, where they are known.
  void takeScale(qnn::LayerNormOp op, QuantizeOp quantize) {
    auto factors = readConstant(op.getScale()), addends = readConstant(op.getBias());
    if (failed(factors) || failed(addends))
      return;
    // Of n squares with a mean of 1 none is greater than n; a hundredth for roundings.
    double farthest = 1.01 * std::sqrt(static_cast<double>(extent)), bound = 0;
    float inverse = quantize.getInverseScale().convertToFloat(),
          zeroPoint = static_cast<int32_t>(quantize.getZeroPoint());
    for (auto [f, a] : llvm::zip_equal(factors->as<float>(), addends->as<float>())) {
      f *= inverse;
      a = a * inverse + zeroPoint;
      bound = std::max(bound, farthest * std::abs(f) + std::abs(a));
    }
    scale = k.constants<float>(factors->as<float>());
    bias = k.constants<float>(addends->as<float>());
    sink.takeScaled(bound);
  }

  Value minus(Value x, Value center) {
    auto n = cast<VectorType>(x.getType()).getNumElements();
    return arith::SubFOp::create(k.b, k.loc, x, spreadLane(k, center, n));
  }
  Value square(Value x) { return arith::MulFOp::create(k.b, k.loc, x, x); }
  Value mean(Value sum) {
    auto one = k.vectorType(1, f32);
    return arith::DivFOp::create(k.b, k.loc, sum, k.splat(one, extent));
  }
  /// What deviations are multiplied by.
  Value factor(Value variance) {
    auto one = k.vectorType(1, f32);
    Value shifted =
        arith::AddFOp::create(k.b, k.loc, variance, k.splat(one, epsilon));
    Value deviation = math::SqrtOp::create(k.b, k.loc, shifted);
    return arith::DivFOp::create(k.b, k.loc, k.splat(one, 1), deviation);
  }
  /// The result at `at` of the row.
  Value scaled(Value deviation, Value factor, Value at) {
    int64_t n = cast<VectorType>(deviation.getType()).getNumElements();
    Value x = arith::MulFOp::create(k.b, k.loc, deviation,
                                    spreadLane(k, factor, n));
    return math::FmaOp::create(k.b, k.loc, x, k.loadVector(scale, at, n),
                               k.loadVector(bias, at, n));
  }

  /// `count` neighbouring rows: while one waits for its mean or its deviation,
  /// the other is computed.
  void emitShortRows(Value first, int64_t count, ArrayRef<RowPiece> pieces) {
    auto meanOf = [&](ArrayRef<Value> vectors) {
      return mean(combineLanes(
          k, vectors, [&](Value a, Value b) { return emitAdd(k, a, b); }));
    };
    SmallVector<SmallVector<Value>> rows;
    SmallVector<Value> bases, centers, factors;
    for (int64_t i = 0; i < count; ++i) {
      bases.push_back(k.add(first, i * extent));
      rows.push_back(loadRow(k, input, bases.back(), pieces));
      if (centered)
        centers.push_back(meanOf(rows.back()));
    }
    for (auto [i, x] : llvm::enumerate(rows)) {
      for (Value &value : x)
        value = centered ? minus(value, centers[i]) : value;
      factors.push_back(factor(meanOf(
          llvm::map_to_vector(x, [&](Value value) { return square(value); }))));
    }
    for (auto [x, base, f] : llvm::zip(rows, bases, factors)) {
      for (auto [value, piece] : llvm::zip(x, pieces))
        value = scaled(value, f, k.index(piece.at));
      emitRow(k, sink, base, pieces, x);
    }
  }

  void emitLongRow(Value base) {
    int64_t width = std::min(4 * k.target.lanes(), extent);
    auto deviation = [&](Value at, int64_t n, Value center) {
      Value x = k.loadVector(input, k.add(base, at), n);
      return center ? minus(x, center) : x;
    };
    auto meanOf = [&](ReadVector read) {
      Value sum = reduceLanes(k, vector::CombiningKind::ADD,
                              emitRowSum(k, extent, width, f32, read));
      return mean(vector::BroadcastOp::create(k.b, k.loc, k.vectorType(1, f32),
                                              sum));
    };
    Value center;
    if (centered)
      center = meanOf([&](Value at, int64_t n) { return deviation(at, n, {}); });
    Value f = factor(meanOf([&](Value at, int64_t n) {
      return square(deviation(at, n, center));
    }));
    k.pieces(extent, width, [&](Value at, int64_t n) {
      sink.emitAt(k.add(base, at), scaled(deviation(at, n, center), f, at));
    });
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input, scale, bias, rowLimit;
  double epsilon;
  bool centered;
  Type f32;
  int64_t extent, rows;
};
} // namespace

LogicalResult codegen::emitLayerNorm(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  LayerNormEmitter(k, *sink, cast<qnn::LayerNormOp>(anchor)).emit();
  return success();
}
