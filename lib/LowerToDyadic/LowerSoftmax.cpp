//===- LowerSoftmax.cpp - softmax in integers -----------------------------===//
//
//   t = (max − x) · s · log2(e)      e = 2^(−t)      y = e / (Σ e · s_y)
//
// t is Q15, e Q30, and 1 / (Σ e · s_y) one division for each row (docs/Spec.md,
// section 9). After I-BERT (Kim et al., 2021, section 3.4), with a polynomial of a
// degree more and base 2, whose integer part is a shift.
//
//===----------------------------------------------------------------------===//
#include "IntegerFunctions.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// The numbers of a softmax: t = (min(d, most) · multiplier + half) >> shift for the
/// distance d from the maximum, and y = (e · ⌊numerator / Σ e⌋ + half) >> bits.
struct SoftmaxNumbers {
  int64_t most, multiplier, shift, numerator, bits;

  SoftmaxNumbers(double scale, double resultScale) {
    constexpr double kLog2E = 1.4426950408889634;
    constexpr int64_t kGreatest = 31; // of t, where e is 0
    double factor = scale * kLog2E;
    most = static_cast<int64_t>(std::min(std::ceil(kGreatest / factor), 65535.0));
    // most · multiplier + half must be less than 2^31.
    shift = std::min<int64_t>(bitsFor(factor * most, 30) - 15, 30);
    multiplier = fixedPoint(factor, 15 + shift);
    bits = bitsFor(1 / resultScale, 61);
    numerator = fixedPoint(1 / resultScale, bits);
  }
};
} // namespace

static SmallVector<Value> buildSoftmax(OpBuilder &b, Location loc, Value x, int64_t axis,
                                       ActivationType from, ActivationType to) {
  const SoftmaxNumbers numbers(from.getScale(), to.getScale());
  auto type = cast<RankedTensorType>(x.getType());
  auto i32 = type.clone(b.getI32Type());
  Value max = maxOfRows(b, loc, x, axis, !from.isSigned());
  Value exponentials = qnn::mapElements(
      b, loc, i32, {x, max}, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value below = f.sub(s[1], toI32(f, s[0], from));
        below = f.make<arith::MinSIOp>(below, f.i32(numbers.most));
        Value t = f.mul(below, f.i32(numbers.multiplier));
        // Not beyond what a shift may be.
        t = f.make<arith::MinSIOp>(f.shiftHalfUp(t, numbers.shift), f.i32((31 << 15) - 1));
        return exponentialOfMinus(f, t);
      });
  Value zero = qnn::scalarConstant(b, loc, b.getI64Type(), 0);
  Value sum = reduceRows(b, loc, exponentials, axis, zero,
                              [&](OpBuilder &b, Location loc, ValueRange s) {
                                FixedPointBuilder f{b, loc};
                                return f.add(f.extend(s[0], false, 64), s[1]);
                              });
  Value inverse = qnn::mapElements(
      b, loc, onePerRow(i32, axis), sum, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value quotient = f.make<arith::DivUIOp>(f.constant(numbers.numerator, s[0]), s[0]);
        return f.truncate(quotient, 32);
      });
  Value result = qnn::mapElements(
      b, loc, type.clone(b.getIntegerType(to.getStorageTypeIntegralWidth())),
      {exponentials, inverse}, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        // Both are less than 2^31; without a sign more processors have vectors of it.
        Value y = f.mul(f.extend(s[0], true, 64), f.extend(s[1], true, 64));
        y = f.add(y, f.constant(int64_t(1) << (numbers.bits - 1), y));
        y = f.make<arith::ShRUIOp>(y, f.constant(numbers.bits, y));
        return f.toStorage(f.truncate(y, 32), to);
      });
  return {result};
}

namespace {
struct LowerSoftmax : OpConversionPattern<qnn::SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::SoftmaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr double kLeastScale = 1.0 / (1 << 20), kGreatestScale = 1 << 12;
    auto from = activationTypeOf(op, op.getInput()), to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    for (ActivationType type : {*from, *to})
      if (type.getScale() < kLeastScale || type.getScale() > kGreatestScale)
        return op.emitError() << "expected scales of 2^-20 to 2^12, but got " << type;
    if (to->getScale() > 2) // the sums' factor would need more than 61 bits
      return op.emitError() << "expected a scale of at most 2 for a softmax's result, but got "
                            << *to;
    auto axis = static_cast<int64_t>(op.getAxis());
    rewriter.replaceOp(op, qnn::buildCompute(
                               rewriter, op.getLoc(), "Softmax", storageTensorOf(op.getOutput()),
                               adaptor.getInput(),
                               [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                 return buildSoftmax(b, loc, arguments[0], axis, *from, *to);
                               }));
    return success();
  }
};
} // namespace

void dyadic::populateIntegerSoftmaxPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerSoftmax>(converter, patterns.getContext());
}
