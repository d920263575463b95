//===- DequantizeSums.cpp - sums that become floats directly --------------===//
//
//   dequantize(requantize(batch_matmul(x, y)))    dequantize(batch_matmul(x, y))
//
// An attention's scores are for a softmax of floats: rounding and clamping them
// to 16 bits in between costs time and accuracy.
//
//===----------------------------------------------------------------------===//
#include "DequantizeSums.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
struct DequantizeSums : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto requantize = op.getInput().getDefiningOp<RequantizeOp>();
    // 8 bits on the way to floats are what a model asks for that comes quantized.
    if (!requantize || !requantize->hasOneUse() ||
        !requantize.getOutput().getType().getElementType().isInteger(16) ||
        requantize.getMultiplier().size() != 1 ||
        requantize.getOutputZp() != op.getZeroPoint() ||
        !requantize.getInput().getDefiningOp<BatchMatmulOp>())
      return failure();
    // Not a clamp that was fused: only the ends of the type.
    StorageRange range = storageRange(requantize.getOutput().getType());
    if (static_cast<int32_t>(requantize.getClampMin()) != range.min ||
        static_cast<int32_t>(requantize.getClampMax()) != range.max)
      return failure();
    double scale = std::ldexp(double(requantize.getMultiplier()[0]),
                              -requantize.getShift()[0]) *
                   op.getScale().convertToFloat();
    float rounded = static_cast<float>(scale);
    if (!(rounded > 0))
      return failure();
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getOutput().getType(),
                                              requantize.getInput(),
                                              llvm::APFloat(rounded), 0);
    return success();
  }
};
} // namespace

void dyadic::addDequantizeSums(RewritePatternSet &patterns) {
  patterns.add<DequantizeSums>(patterns.getContext());
}
