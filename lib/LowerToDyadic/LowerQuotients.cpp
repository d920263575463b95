//===- LowerQuotients.cpp - quotients, roots, sums of unlike scales -------===//
//
// Each is exact but for its one rounding and what docs/Spec.md, section 9 says.
//
//===----------------------------------------------------------------------===//
#include "IntegerFunctions.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// A storage element without its zero point, i32.
static Value centred(FixedPointBuilder &f, Value q, ActivationType type) {
  return f.sub(toI32(f, q, type), f.i32(type.getZeroPoint()));
}

/// ⌊numerator / q⌉ · x · 2^−bits is a quotient in the result's steps. A divisor of zero
/// counts as one.
static Value buildQuotient(OpBuilder &b, Location loc, ValueRange arguments, int64_t numerator,
                           int64_t bits, ArrayRef<ActivationType> types,
                           RankedTensorType type) {
  ActivationType divisor = types[types.size() - 2], to = types.back();
  Value y = arguments.back();
  auto inverseType = cast<RankedTensorType>(y.getType()).clone(b.getI64Type());
  Value inverse = qnn::mapElements(
      b, loc, inverseType, y, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value q = f.extend(centred(f, s[0], divisor), false, 64);
        Value isZero = f.make<arith::CmpIOp>(arith::CmpIPredicate::eq, q, f.constant(0, q));
        q = f.make<arith::SelectOp>(isZero, f.constant(1, q), q);
        return f.make<arith::DivSIOp>(f.constant(numerator, q), q);
      });
  SmallVector<Value> operands(arguments.drop_back());
  operands.push_back(inverse);
  return qnn::mapElements(
      b, loc, type, operands, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value product = s.back();
        if (s.size() == 2)
          product = f.mul(f.extend(centred(f, s[0], types[0]), false, 64), product);
        return f.toStorage(f.shiftHalfUp(product, bits), to);
      });
}

namespace {
/// x / y, and 1 / y.
template <typename Op> struct LowerQuotient : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Products with factors of 17 bits then fit 64.
    constexpr int64_t kNumeratorBits = 45;
    SmallVector<ActivationType> types;
    for (Value value : llvm::to_vector(llvm::concat<Value>(
             llvm::to_vector(op->getOperands()), llvm::to_vector(op->getResults())))) {
      auto type = activationTypeOf(op, value);
      if (failed(type))
        return failure();
      types.push_back(*type);
    }
    double ratio = types.size() == 3 ? types[0].getScale() : 1;
    ratio /= types[types.size() - 2].getScale() * types.back().getScale();
    int64_t bits = std::min<int64_t>(bitsFor(ratio, kNumeratorBits), 62);
    if (bits < 1)
      return op.emitError() << "expected a quotient's scale of at least 2^-44 times that of "
                               "its operands, but got "
                            << 1 / ratio;
    auto type = storageTensorOf(op->getResult(0));
    rewriter.replaceOp(
        op, qnn::buildCompute(rewriter, op.getLoc(), "Quotient", type, adaptor.getOperands(),
                              [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                return SmallVector<Value>{buildQuotient(
                                    b, loc, arguments, fixedPoint(ratio, bits), bits, types,
                                    qnn::memoryType(type))};
                              }));
    return success();
  }
};

/// sqrt(q) = q / sqrt(q), Q20, requantized by sqrt(s_x) / s_y. Negative elements have
/// none and give 0.
struct LowerSqrt : OpConversionPattern<qnn::SqrtOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::SqrtOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr int64_t kFraction = 20;
    auto from = activationTypeOf(op, op->getOperand(0)), to = activationTypeOf(op, op->getResult(0));
    if (failed(from) || failed(to))
      return failure();
    if (from->getStorageTypeIntegralWidth() == 8 && to->getStorageTypeIntegralWidth() == 8)
      return failure(); // a table
    auto multiplier =
        multiplierOf(op, std::ldexp(std::sqrt(from->getScale()) / to->getScale(), -kFraction));
    if (failed(multiplier))
      return failure();
    rewriter.replaceOp(
        op, qnn::buildElementwise(
                rewriter, op.getLoc(), "Sqrt", storageTensorOf(op->getResult(0)),
                adaptor.getOperands(), [&](OpBuilder &b, Location loc, ValueRange s) {
                  FixedPointBuilder f{b, loc};
                  Value q = f.make<arith::MaxSIOp>(centred(f, s[0], *from), f.i32(0));
                  Value wide = f.extend(f.make<arith::MaxSIOp>(q, f.i32(1)), false, 64);
                  InverseRoot inverse = inverseRoot(f, wide);
                  Value product = multiplyWide(f, q, inverse.root);
                  Value shift = f.sub(f.i32(61 - kFraction), inverse.half);
                  Value root = f.shiftRight(product, f.extend(shift, false, 64));
                  Value y = f.requantize(f.truncate(root, 32), *multiplier,
                                         RoundingMode::NearestEven);
                  return f.toStorage(y, *to);
                }));
    return success();
  }
};

/// x ± y whose scales are far apart, as those of scores and their mask are: weights of
/// 15 bits would lose the smaller one. Each is rounded by itself, and saturates.
template <typename Op> struct LowerUnlikeSum : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr double kMostRatio = 16;
    auto lhs = activationTypeOf(op, op.getLhs()), rhs = activationTypeOf(op, op.getRhs()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(lhs) || failed(rhs) || failed(to))
      return failure();
    double ratio = lhs->getScale() / rhs->getScale();
    if (std::max(ratio, 1 / ratio) <= kMostRatio || to->getStorageTypeIntegralWidth() != 16)
      return failure();
    auto term = [&](FixedPointBuilder &f, Value q, ActivationType type) {
      // Beyond 2^17 any step saturates.
      constexpr double kMost = 1 << 17;
      auto multiplier = quantizeMultiplier(std::min(type.getScale() / to->getScale(), kMost));
      Value x = f.extend(centred(f, q, type), false, 64);
      x = f.mul(x, f.constant(multiplier->multiplier, x));
      return f.clamp(f.shiftHalfUp(x, multiplier->shift), -(1 << 17), 1 << 17);
    };
    rewriter.replaceOp(
        op, qnn::buildElementwise(
                rewriter, op.getLoc(), std::is_same_v<Op, qnn::AddOp> ? "Add" : "Sub",
                storageTensorOf(op.getOutput()), adaptor.getOperands(),
                [&](OpBuilder &b, Location loc, ValueRange s) {
                  FixedPointBuilder f{b, loc};
                  Value x = term(f, s[0], *lhs), y = term(f, s[1], *rhs);
                  Value sum = std::is_same_v<Op, qnn::AddOp> ? f.add(x, y) : f.sub(x, y);
                  return f.toStorage(f.truncate(sum, 32), *to);
                }));
    return success();
  }
};
} // namespace

void dyadic::populateQuotientPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  // Before the table of LowerUnary and the weights of LowerSum.
  patterns.add<LowerQuotient<qnn::DivOp>, LowerQuotient<qnn::ReciprocalOp>, LowerSqrt,
               LowerUnlikeSum<qnn::AddOp>, LowerUnlikeSum<qnn::SubOp>>(
      converter, patterns.getContext(), /*benefit=*/4);
}
