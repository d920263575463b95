//===- LowerLayerNorm.cpp - layer and RMS norm in integers ----------------===//
//
//   d = x − mean, or x     y = d · sqrt(n) / sqrt(Σ d² + n·ε) · w + b
//
// With d in steps of 2^−6 everything is exact but the mean, the inverse root, one
// product and the result (docs/Spec.md, section 9). Integer layer norm is from I-BERT
// (Kim et al., 2021, section 3.5); Newton's method for the inverse root needs no
// division.
//
//===----------------------------------------------------------------------===//
#include "IntegerFunctions.h"

#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// Fraction bits of the differences from the mean.
constexpr int64_t kFraction = 6;

namespace {
/// The numbers of a layer norm: y = (u · factor + offset) >> bits for u, Q29 of
/// d / sqrt(Σ d² + epsilon).
struct LayerNormNumbers {
  SmallVector<int32_t> factors;
  SmallVector<int64_t> offsets;
  int64_t bits = 0, epsilon = 1;

  /// Empty where the scales are too far apart.
  static std::optional<LayerNormNumbers> of(ArrayRef<float> weights, ArrayRef<float> biases,
                                            double epsilon, double scale, double resultScale);
};
} // namespace

std::optional<LayerNormNumbers>
LayerNormNumbers::of(ArrayRef<float> weights, ArrayRef<float> biases, double epsilon,
                     double scale, double resultScale) {
  constexpr int64_t kUnit = 29;
  LayerNormNumbers numbers;
  double length = static_cast<double>(weights.size()), root = std::sqrt(length) / resultScale;
  double most = 0, mostBias = 1;
  for (auto [w, b] : llvm::zip_equal(weights, biases)) {
    most = std::max(most, std::fabs(w * root));
    mostBias = std::max(mostBias, std::fabs(b / resultScale));
  }
  if (!(most < 1 << 28) || !(mostBias < 1 << 28))
    return std::nullopt;
  int64_t bits = std::min({bitsFor(most, 30), bitsFor(mostBias, 61) - kUnit, int64_t(30)});
  numbers.bits = kUnit + bits;
  int64_t half = int64_t(1) << (numbers.bits - 1);
  for (auto [w, b] : llvm::zip_equal(weights, biases)) {
    numbers.factors.push_back(static_cast<int32_t>(fixedPoint(w * root, bits)));
    numbers.offsets.push_back(fixedPoint(b / resultScale, numbers.bits) + half);
  }
  // Never zero, so that there is a root.
  double inSteps = length * epsilon / (scale * scale) * (1 << (2 * kFraction));
  numbers.epsilon = static_cast<int64_t>(
      std::min(std::max(roundHalfEven(inSteps), 1.0), std::ldexp(1.0, 60)));
  return numbers;
}

/// Σ of rows of `x`, i64.
static Value sumRows(OpBuilder &b, Location loc, Value x, int64_t axis, ActivationType type,
                     bool ofSquares) {
  Value zero = qnn::scalarConstant(b, loc, b.getI64Type(), 0);
  return reduceRows(b, loc, x, axis, zero,
                         [&](OpBuilder &b, Location loc, ValueRange s) {
                           FixedPointBuilder f{b, loc};
                           Value element = ofSquares ? multiplyWide(f, s[0], s[0])
                                                     : f.extend(toI32(f, s[0], type), false, 64);
                           return f.add(element, s[1]);
                         });
}

/// 2^6 · (x − mean) of each row, the mean to the nearest such step, half up.
static Value differencesFromMean(OpBuilder &b, Location loc, Value x, RankedTensorType i32,
                                 ActivationType from) {
  int64_t axis = i32.getRank() - 1, length = i32.getShape().back();
  Value mean = qnn::mapElements(
      b, loc, onePerRow(i32, axis), sumRows(b, loc, x, axis, from, /*ofSquares=*/false),
      [&](OpBuilder &b, Location loc, ValueRange s) {
        // What is divided isn't negative.
        FixedPointBuilder f{b, loc};
        int64_t above = length << 15;
        Value sum = f.shiftLeft(f.add(s[0], f.constant(above, s[0])),
                                f.constant(kFraction, s[0]));
        sum = f.add(sum, f.constant(length / 2, sum));
        Value mean = f.make<arith::DivUIOp>(sum, f.constant(length, sum));
        return f.truncate(f.sub(mean, f.constant(int64_t(1) << (15 + kFraction), mean)), 32);
      });
  return qnn::mapElements(
      b, loc, i32, {x, mean}, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        return f.sub(f.shiftLeft(toI32(f, s[0], from), f.i32(kFraction)), s[1]);
      });
}

/// 2^6 · (x − zero point)
static Value differencesFromZero(OpBuilder &b, Location loc, Value x, RankedTensorType i32,
                                 ActivationType from) {
  return qnn::mapElements(
      b, loc, i32, x, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value q = f.sub(toI32(f, s[0], from), f.i32(from.getZeroPoint()));
        return f.shiftLeft(q, f.i32(kFraction));
      });
}

static SmallVector<Value> buildLayerNorm(OpBuilder &b, Location loc, ValueRange arguments,
                                         const LayerNormNumbers &numbers, bool centered,
                                         ActivationType from, ActivationType to) {
  Value x = arguments[0], factors = arguments[1], offsets = arguments[2];
  auto type = cast<RankedTensorType>(x.getType());
  int64_t axis = type.getRank() - 1;
  auto i32 = type.clone(b.getI32Type()), perRow = onePerRow(i32, axis);
  Value differences = centered ? differencesFromMean(b, loc, x, i32, from)
                               : differencesFromZero(b, loc, x, i32, from);
  Value squares = sumRows(b, loc, differences, axis, from, /*ofSquares=*/true);
  auto rootOf = [&](bool half) {
    return qnn::mapElements(b, loc, perRow, squares,
                            [&](OpBuilder &b, Location loc, ValueRange s) {
                              FixedPointBuilder f{b, loc};
                              Value sum = f.add(s[0], f.constant(numbers.epsilon, s[0]));
                              InverseRoot inverse = inverseRoot(f, sum);
                              return half ? inverse.half : inverse.root;
                            });
  };
  Value roots = rootOf(false), halves = rootOf(true);
  Value result = qnn::mapElements(
      b, loc, type.clone(b.getIntegerType(to.getStorageTypeIntegralWidth())),
      {differences, roots, halves, factors, offsets},
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value scaled = f.shiftLeft(s[0], s[2]); // at most the root of the sum
        Value unit = f.truncate(f.shiftHalfUp(multiplyWide(f, scaled, s[1]), 32), 32);
        Value y = f.add(multiplyWide(f, unit, s[3]), s[4]);
        y = f.shiftRight(y, f.constant(numbers.bits, y));
        return f.toStorage(f.truncate(y, 32), to);
      });
  return {result};
}

namespace {
struct LowerLayerNorm : OpConversionPattern<qnn::LayerNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::LayerNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr int64_t kMostLength = 1 << 16;
    auto from = activationTypeOf(op, op.getInput()), to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    auto weights = readConstant(op.getScale()), biases = readConstant(op.getBias());
    if (failed(weights) || failed(biases) || weights->kind != ElementKind::F32 ||
        biases->kind != ElementKind::F32)
      return op.emitError("expected a constant scale and bias");
    int64_t length = cast<RankedTensorType>(op.getInput().getType()).getShape().back();
    auto numbers = LayerNormNumbers::of(weights->as<float>(), biases->as<float>(),
                                        op.getEpsilon().convertToDouble(), from->getScale(),
                                        to->getScale());
    if (!numbers || length > kMostLength)
      return op.emitError() << "expected rows of at most 2^16 elements, and a scale and bias "
                               "of at most 2^28 times the result's scale";
    Location loc = op.getLoc();
    SmallVector<Value> operands{adaptor.getInput(), constantOf(rewriter, loc, numbers->factors),
                                constantOf(rewriter, loc, numbers->offsets)};
    rewriter.replaceOp(op, qnn::buildCompute(
                               rewriter, loc, op.getCentered() ? "LayerNorm" : "RMSNorm", storageTensorOf(op.getOutput()),
                               operands, [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                 return buildLayerNorm(b, loc, arguments, *numbers,
                                                       op.getCentered(), *from, *to);
                               }));
    return success();
  }
};
} // namespace

void dyadic::populateIntegerNormPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerLayerNorm>(converter, patterns.getContext());
}
