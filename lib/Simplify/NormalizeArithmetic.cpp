//===- NormalizeArithmetic.cpp - one spelling for arithmetic with constants
//===//
#include "Constants.h"

#include "dyadic/Simplify/Passes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
#define GEN_PASS_DEF_NORMALIZEARITHMETIC
#include "dyadic/Simplify/Passes.h.inc"

namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

/// div(x, c) → mul(x, 1/c);  sub(x, c) → add(x, -c)
template <typename From, typename To, typename Inverse>
struct InvertConstant : OpRewritePattern<From> {
  using OpRewritePattern<From>::OpRewritePattern;
  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    if (!isConstant(op.getRhs()) || isConstant(op.getLhs()))
      return failure();
    auto inverse = Inverse::create(rewriter, op.getLoc(), op.getRhs());
    Value lhs = op.getLhs();
    rewriter.replaceOpWithNewOp<To>(op, op.getType(), lhs, inverse);
    (void)foldToConstant(rewriter, inverse);
    return success();
  }
};

/// op(op(x, a), b) → op(x, op(a, b)) for constants a and b
template <typename OpTy> struct MergeConstants : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto [inner, b] = splitConstant(op);
    auto producer = inner ? inner.template getDefiningOp<OpTy>() : OpTy();
    if (!producer || !producer->hasOneUse())
      return failure();
    auto [x, a] = splitConstant(producer);
    // A constant may widen the shape, which is then not x's.
    if (!x || isConstant(x))
      return failure();
    auto merged = OpTy::create(rewriter, op.getLoc(), a, b);
    rewriter.replaceOpWithNewOp<OpTy>(op, op.getType(), x, merged);
    (void)foldToConstant(rewriter, merged);
    return success();
  }
};

/// mul(x, 1) → x;  add(x, 0) → x
template <typename OpTy, int neutral>
struct DropNeutral : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto [x, constant] = splitConstant(op);
    if (!x || x.getType() != op.getType() ||
        scalarOf(constant) != float(neutral))
      return failure();
    rewriter.replaceOp(op, x);
    return success();
  }
};

/// reciprocal and division spell the same: mul(x, reciprocal(y)) → div(x, y)
struct MulByReciprocal : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, y] : {std::make_pair(op.getLhs(), op.getRhs()),
                        std::make_pair(op.getRhs(), op.getLhs())}) {
      auto inverse = y.getDefiningOp<ReciprocalOp>();
      if (!inverse || isConstant(x))
        continue;
      rewriter.replaceOpWithNewOp<DivOp>(op, op.getType(), x,
                                         inverse.getInput());
      return success();
    }
    return failure();
  }
};

/// add(x, mul(x, g)) → mul(x, add(g, 1)) where g is smaller than x, as the gate
/// of a squeeze-and-excite is: one pass over x, and one rounding once quantized.
struct GateBesideIdentity : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, product] : {std::make_pair(op.getLhs(), op.getRhs()),
                              std::make_pair(op.getRhs(), op.getLhs())}) {
      auto gated = product.getDefiningOp<MulOp>();
      if (!gated || !gated->hasOneUse() || x.getType() != op.getType() ||
          (gated.getLhs() != x && gated.getRhs() != x))
        continue;
      Value gate = gated.getLhs() == x ? gated.getRhs() : gated.getLhs();
      auto type = cast<RankedTensorType>(gate.getType());
      if (type.getNumElements() >=
          cast<RankedTensorType>(x.getType()).getNumElements())
        continue;
      auto scalar = RankedTensorType::get({}, type.getElementType());
      Value one = ConstantOp::create(
          rewriter, gated.getLoc(), scalar,
          DenseElementsAttr::get(scalar, rewriter.getF32FloatAttr(1)));
      Value more = AddOp::create(rewriter, gated.getLoc(), type, gate, one);
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), x, more);
      return success();
    }
    return failure();
  }
};

/// The interval that an op cuts its operand to.
struct Interval {
  Value input;
  float low = -kLargest, high = kLargest;
};

std::optional<Interval> intervalOf(Operation *op) {
  if (auto relu = dyn_cast_or_null<ReluOp>(op))
    return Interval{relu.getInput(), 0, kLargest};
  if (auto clamp = dyn_cast_or_null<ClampOp>(op))
    return Interval{clamp.getInput(), clamp.getMin().convertToFloat(),
                    clamp.getMax().convertToFloat()};
  return std::nullopt;
}

void replaceByInterval(PatternRewriter &rewriter, Operation *op,
                       const Interval &interval) {
  Type type = op->getResult(0).getType();
  if (interval.low == 0 && interval.high == kLargest)
    rewriter.replaceOpWithNewOp<ReluOp>(op, type, interval.input);
  else
    rewriter.replaceOpWithNewOp<ClampOp>(op, type, interval.input,
                                         APFloat(interval.low),
                                         APFloat(interval.high));
}

/// maximum(x, c) → relu or clamp;  minimum(x, c) → clamp
template <typename OpTy, bool isMaximum>
struct BoundToClamp : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto [x, constant] = splitConstant(op);
    std::optional<float> bound = x ? scalarOf(constant) : std::nullopt;
    if (!bound || !std::isfinite(*bound) || x.getType() != op.getType())
      return failure();
    Interval interval{x};
    (isMaximum ? interval.low : interval.high) = *bound;
    replaceByInterval(rewriter, op, interval);
    return success();
  }
};

/// clamp(clamp(x)) → clamp(x) where the intervals overlap
template <typename OpTy> struct MergeClamps : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getInput().getDefiningOp();
    std::optional<Interval> inner = intervalOf(producer),
                            outer = intervalOf(op);
    if (!inner || !producer->hasOneUse())
      return failure();
    Interval both{inner->input, std::max(inner->low, outer->low),
                  std::min(inner->high, outer->high)};
    if (both.low > both.high)
      return failure();
    replaceByInterval(rewriter, op, both);
    return success();
  }
};

/// clamp(x, 0, ∞) → relu(x)
struct ClampToRelu : OpRewritePattern<ClampOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClampOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Interval> interval = intervalOf(op);
    if (interval->low != 0 || interval->high < kLargest)
      return failure();
    rewriter.replaceOpWithNewOp<ReluOp>(op, op.getType(), op.getInput());
    return success();
  }
};

struct NormalizeArithmetic
    : impl::NormalizeArithmeticBase<NormalizeArithmetic> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<InvertConstant<DivOp, MulOp, ReciprocalOp>,
                 InvertConstant<SubOp, AddOp, NegOp>, MergeConstants<MulOp>,
                 MergeConstants<AddOp>, DropNeutral<MulOp, 1>,
                 DropNeutral<AddOp, 0>, MulByReciprocal, GateBesideIdentity,
                 BoundToClamp<MaximumOp, true>, BoundToClamp<MinimumOp, false>,
                 MergeClamps<ClampOp>, MergeClamps<ReluOp>, ClampToRelu>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
