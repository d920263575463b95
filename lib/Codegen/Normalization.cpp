//===- Normalization.cpp - layer and RMS normalization --------------------===//
//
// Neighbouring rows at once (RowGroup.h), in three passes: mean, variance, result. RMS norm
// has no mean to take away. Where the result is only quantized, scale and bias take its
// scale and zero point in.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "Reduction.h"
#include "RowGroup.h"
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
        epsilon(op.getEpsilon().convertToDouble()), centered(op.getCentered()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getInput()).getShape();
    extent = shape.back();
    rows = ShapedType::getNumElements(shape) / extent;
    rowLimit = limitOfRows(k, op.getInput());
    if (AnchorQuantize quantize = sink.quantizeOfAnchor())
      takeScale(op, quantize);
    if (!isScaled) {
      scale = k.buffer(op.getScale());
      bias = k.buffer(op.getBias());
    }
  }

  void emit() {
    int64_t atOnce = RowGroup::rowsAtOnce(k.target, extent);
    k.parallelPieces(rows, atOnce, [&](Value row, int64_t together) {
      ifBelow(k, row, rowLimit, [&] { emitRows(k.mul(row, extent), together); });
    });
  }

private:
  /// Lets scale and bias make what is rounded to bytes, where they are known; where the
  /// floats are needed, too, one more multiplication does.
  void takeScale(qnn::LayerNormOp op, AnchorQuantize quantize) {
    auto factors = readConstant(op.getScale()), addends = readConstant(op.getBias());
    if (failed(factors) || failed(addends))
      return;
    std::vector<float> steps(extent, quantize.op.getInverseScale().convertToFloat());
    for (Value constant : quantize.factors) {
      HostTensor more = *readConstant(constant);
      for (int64_t i = 0; i < extent; ++i)
        steps[i] *= more.as<float>()[more.numElements() == 1 ? 0 : i];
    }
    float zeroPoint = static_cast<int32_t>(quantize.op.getZeroPoint());
    // Of n squares with a mean of 1 none is greater than n; a hundredth for roundings.
    double farthest = 1.01 * std::sqrt(static_cast<double>(extent)), bound = 0;
    for (auto [f, a, step] :
         llvm::zip_equal(factors->as<float>(), addends->as<float>(), steps)) {
      f *= step;
      a = a * step + zeroPoint;
      bound = std::max(bound, farthest * std::abs(f) + std::abs(a));
    }
    sink.takeScaled(quantize.op, bound);
    isScaled = quantize.isOnly;
    if (isScaled) {
      scale = k.constants<float>(factors->as<float>());
      bias = k.constants<float>(addends->as<float>());
    } else {
      stepsPerUnit = k.constants<float>(steps);
      zeroPoints = k.constants<float>(std::vector<float>(k.target.lanes(), zeroPoint));
    }
  }

  /// A vector for vectors of sums.
  Value like(Value sums, double value) {
    return k.splat(cast<VectorType>(sums.getType()), value);
  }
  Value mean(Value sum) {
    return arith::DivFOp::create(k.b, k.loc, sum, like(sum, extent));
  }
  /// What deviations are multiplied by; negated, as they are.
  Value factor(Value variance) {
    Value shifted = arith::AddFOp::create(k.b, k.loc, variance, like(variance, epsilon));
    Value deviation = math::SqrtOp::create(k.b, k.loc, shifted);
    return arith::DivFOp::create(k.b, k.loc, like(variance, centered ? -1 : 1), deviation);
  }

  void emitRows(Value first, int64_t count) {
    auto groups = RowGroup::split(k, first, count, extent);
    auto load = [&](RowGroup &group, int64_t row, Value at, int64_t n) {
      return k.loadVector(input, group.element(row, at), n);
    };
    auto add = [&](Value a, Value b) { return emitAdd(k, a, b); };
    SmallVector<Value> centers(groups.size()), factors;
    if (centered)
      for (auto [group, center] : llvm::zip(groups, centers))
        center = mean(group.reduce(
            0, add, [&, &group = group](int64_t row, Value at, int64_t n, Value sum) {
              Value x = load(group, row, at, n);
              return sum ? add(sum, x) : x;
            }));
    // mean − x: an operand in memory is the second one.
    auto deviation = [&](RowGroup &group, Value center, int64_t row, Value at,
                         int64_t n) -> Value {
      Value x = load(group, row, at, n);
      if (!center)
        return x;
      return arith::SubFOp::create(k.b, k.loc, group.spread(center, row, n), x);
    };
    for (auto [group, center] : llvm::zip(groups, centers))
      factors.push_back(factor(mean(group.reduce(
          0, add,
          [&, &group = group, center = center](int64_t row, Value at, int64_t n,
                                               Value sum) -> Value {
            Value x = deviation(group, center, row, at, n);
            if (!sum)
              return arith::MulFOp::create(k.b, k.loc, x, x);
            return math::FmaOp::create(k.b, k.loc, x, x, sum);
          }))));
    for (auto [group, center, factor] : llvm::zip(groups, centers, factors))
      group.emit(sink, [&, &group = group, center = center,
                        factor = factor](int64_t row, Value at, int64_t n) {
        Value x = arith::MulFOp::create(k.b, k.loc, deviation(group, center, row, at, n),
                                        group.spread(factor, row, n));
        Value y = math::FmaOp::create(k.b, k.loc, x, k.loadVector(scale, at, n),
                                      k.loadVector(bias, at, n));
        if (isScaled)
          return AnchorVectors({}, y);
        if (!stepsPerUnit)
          return AnchorVectors(y);
        Value scaled =
            math::FmaOp::create(k.b, k.loc, y, k.loadVector(stepsPerUnit, at, n),
                                k.loadVector(zeroPoints, k.index(0), n));
        return AnchorVectors(y, scaled);
      });
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input, scale, bias, rowLimit;
  /// Scale and bias make what is rounded to bytes, and nothing else.
  bool isScaled = false;
  /// Else, where there are bytes, too: what floats are multiplied by for those, and what is
  /// added to a register of them. In memory, so that many norms are one function.
  Value stepsPerUnit, zeroPoints;
  double epsilon;
  bool centered;
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
