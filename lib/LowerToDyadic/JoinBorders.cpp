//===- JoinBorders.cpp ----------------------------------------------------===//
#include "JoinBorders.h"

#include "Lowering.h"

using namespace mlir;
using namespace dyadic;

DequantizeOp dyadic::wholeNumbersOf(Value value) {
  auto op = value.getDefiningOp<dyadic::DequantizeOp>();
  return op && op.getZeroPoint() == 0 &&
                 cast<RankedTensorType>(op.getInput().getType())
                     .getElementType()
                     .isSignlessInteger(16)
             ? op
             : dyadic::DequantizeOp();
}

namespace {
/// A movement of reals that are multiples of integers moves those.
template <typename Real, typename Whole>
struct MoveIntegers : OpRewritePattern<Real> {
  using OpRewritePattern<Real>::OpRewritePattern;

  LogicalResult matchAndRewrite(Real op, PatternRewriter &rewriter) const override {
    auto reals = op->getOperand(0).template getDefiningOp<dyadic::DequantizeOp>();
    if (!reals)
      return failure();
    auto from = cast<RankedTensorType>(reals.getInput().getType());
    if (from.getElementType().isInteger(32))
      return failure(); // sums
    auto to = cast<RankedTensorType>(op.getType()).clone(from.getElementType());
    auto attributes = llvm::to_vector(llvm::make_filter_range(
        op->getAttrs(), [](NamedAttribute attribute) { return !attribute.getNameDialect(); }));
    Value moved = Whole::create(rewriter, op.getLoc(), TypeRange(to),
                                ValueRange(reals.getInput()), attributes);
    rewriter.replaceOpWithNewOp<dyadic::DequantizeOp>(op, op.getType(), moved,
                                                      reals.getScaleAttr(),
                                                      reals.getZeroPointAttr());
    return success();
  }
};

/// What leaves as reals and enters again is rescaled.
struct RescaleIntegers : OpRewritePattern<dyadic::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(dyadic::QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto reals = op.getInput().getDefiningOp<dyadic::DequantizeOp>();
    if (!reals)
      return failure();
    auto type = cast<RankedTensorType>(op.getType());
    auto element = cast<IntegerType>(type.getElementType());
    auto multiplier = quantizeMultiplier(double(reals.getScale().convertToFloat()) *
                                         op.getInverseScale().convertToFloat());
    if (!multiplier)
      return failure();
    bool isUnsigned = element.isUnsigned();
    int64_t most = (int64_t(1) << (element.getWidth() - !isUnsigned)) - 1;
    auto number = [&](int64_t value) { return rewriter.getI32IntegerAttr(value); };
    rewriter.replaceOpWithNewOp<dyadic::RequantizeOp>(
        op, type, reals.getInput(), rewriter.getDenseI32ArrayAttr(multiplier->multiplier),
        rewriter.getDenseI32ArrayAttr(multiplier->shift), reals.getZeroPointAttr(),
        op.getZeroPointAttr(), number(isUnsigned ? 0 : -most - 1), number(most),
        RoundingAttr::get(op.getContext(), roundingOf(op)));
    return success();
  }
};
} // namespace

void dyadic::populateJoinBordersPatterns(RewritePatternSet &patterns) {
  patterns.add<MoveIntegers<qnn::ReshapeOp, dyadic::ReshapeOp>,
               MoveIntegers<qnn::TransposeOp, dyadic::TransposeOp>,
               MoveIntegers<qnn::SliceOp, dyadic::SliceOp>, RescaleIntegers>(
      patterns.getContext());
}
