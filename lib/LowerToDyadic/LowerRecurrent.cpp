//===- LowerRecurrent.cpp - recurrences with integer weights --------------===//
#include "Lowering.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// The op stays; its weights become their storage and the scales an attribute.
template <typename OpTy> struct StoreWeights : OpConversionPattern<OpTy> {
  using OpConversionPattern<OpTy>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(
        cast<RankedTensorType>(op.getRecurrent().getType()).getElementType());
    if (!type)
      return failure();
    SmallVector<float> scales(type.getScales().begin(), type.getScales().end());
    auto stored = OpTy::create(rewriter, op.getLoc(), op->getResultTypes(),
                               adaptor.getOperands(), op->getAttrs());
    stored.setRecurrentScales(scales);
    rewriter.replaceOp(op, stored);
    return success();
  }
};
} // namespace

void dyadic::populateRecurrentPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<StoreWeights<qnn::LSTMOp>, StoreWeights<qnn::GRUOp>>(
      converter, patterns.getContext());
}
