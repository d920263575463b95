//===- LowerRecurrent.cpp - qnn.lstm with integer weights -----------------===//
#include "Lowering.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// The op stays; its weights become their storage and the scales an attribute.
struct LowerLSTM : OpConversionPattern<qnn::LSTMOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::LSTMOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(
        cast<RankedTensorType>(op.getRecurrent().getType()).getElementType());
    if (!type)
      return failure();
    SmallVector<float> scales(type.getScales().begin(), type.getScales().end());
    rewriter.replaceOpWithNewOp<qnn::LSTMOp>(
        op, op.getType(), adaptor.getProjection(), adaptor.getRecurrent(),
        adaptor.getHidden(), adaptor.getCell(), op.getReverse(),
        op.getWithCell(), rewriter.getDenseF32ArrayAttr(scales));
    return success();
  }
};
} // namespace

void dyadic::populateRecurrentPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerLSTM>(converter, patterns.getContext());
}
