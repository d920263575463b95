//===- LowerPooling.cpp - means as sums, maxima over storage --------------===//
#include "Lowering.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace dyadic;

/// `sum`, of `count` elements of type `from`, as their mean of type `to`.
static LogicalResult replaceByMean(ConversionPatternRewriter &rewriter,
                                   Operation *op, Value sum, int64_t count,
                                   ActivationType from, ActivationType to) {
  auto multiplier = multiplierOf(
      op, from.getScale() / (to.getScale() * static_cast<double>(count)));
  if (failed(multiplier))
    return failure();
  rewriter.replaceOp(
      op, requantizeTo(rewriter, op, sum, *multiplier,
                       storageTensorOf(op->getResult(0)), to));
  return success();
}

namespace {
struct LowerMaxPool2D : OpConversionPattern<qnn::MaxPool2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::MaxPool2DOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    // The least storage value wins over nothing.
    Value padded = padImage(rewriter, op.getLoc(), adaptor.getInput(),
                            op.getPads(), from->getStorageTypeMin());
    auto resultType = cast<RankedTensorType>(op.getType())
                          .clone(getElementTypeOrSelf(padded.getType()));
    Value pooled = dyadic::MaxPool2DOp::create(
        rewriter, op.getLoc(), resultType, padded, op.getKernel(),
        op.getStrides());
    auto rescaled = rescale(rewriter, op, pooled, *from, *to);
    if (failed(rescaled))
      return failure();
    rewriter.replaceOp(op, *rescaled);
    return success();
  }
};

struct LowerAvgPool2D : OpConversionPattern<qnn::AvgPool2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::AvgPool2DOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    if (std::string reason = op.getFloatReason(); !reason.empty())
      return op.emitError("expected a float tensor: ") << reason;
    Value padded = padImage(rewriter, op.getLoc(), adaptor.getInput(),
                            op.getPads(), from->getZeroPoint());
    auto sumType =
        cast<RankedTensorType>(op.getType()).clone(rewriter.getI32Type());
    Value sum = SumPool2DOp::create(rewriter, op.getLoc(), sumType, padded,
                                    from->getZeroPoint(), op.getKernel(),
                                    op.getStrides());
    return replaceByMean(rewriter, op, sum, op.getKernel()[0] * op.getKernel()[1],
                         *from, *to);
  }
};

struct LowerReduceMean : OpConversionPattern<qnn::ReduceMeanOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ReduceMeanOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    auto sumType =
        cast<RankedTensorType>(op.getType()).clone(rewriter.getI32Type());
    Value sum = ReduceSumOp::create(rewriter, op.getLoc(), sumType,
                                    adaptor.getInput(), from->getZeroPoint(),
                                    op.getAxes(), op.getKeepDims());
    int64_t count = 1;
    for (int64_t axis : op.getAxes())
      count *= cast<RankedTensorType>(op.getInput().getType()).getDimSize(axis);
    return replaceByMean(rewriter, op, sum, count, *from, *to);
  }
};
} // namespace

void dyadic::populatePoolingPatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerMaxPool2D, LowerAvgPool2D, LowerReduceMean>(
      converter, patterns.getContext());
}
