//===- LowerMovement.cpp - ops that move storage values -------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace dyadic;

static Value moved(OpBuilder &b, qnn::ReshapeOp op, Type type, Value input,
                   ActivationType) {
  return dyadic::ReshapeOp::create(b, op.getLoc(), type, input);
}
static Value moved(OpBuilder &b, qnn::TransposeOp op, Type type, Value input,
                   ActivationType) {
  return dyadic::TransposeOp::create(b, op.getLoc(), type, input,
                                     op.getPermutation());
}
static Value moved(OpBuilder &b, qnn::SliceOp op, Type type, Value input,
                   ActivationType) {
  return dyadic::SliceOp::create(b, op.getLoc(), type, input, op.getOffsets(),
                                 op.getSizes(), op.getStrides());
}
static Value moved(OpBuilder &b, qnn::PadOp op, Type type, Value input,
                   ActivationType quantized) {
  return dyadic::PadOp::create(
      b, op.getLoc(), type, input, op.getLow(), op.getHigh(),
      storageOf(op.getValue().convertToDouble(), quantized));
}
static Value moved(OpBuilder &b, qnn::ResizeOp op, Type type, Value input,
                   ActivationType) {
  return dyadic::ResizeOp::create(b, op.getLoc(), type, input, op.getRows(),
                                  op.getCols());
}

/// The indices are no storage values: they stay what they are.
static Value moved(OpBuilder &b, qnn::GatherOp op, Type type, Value input,
                   ActivationType) {
  return dyadic::GatherOp::create(b, op.getLoc(), type, input, op.getIndices(),
                                  op.getAxis());
}

namespace {
/// The same movement of storage values, after a rescale where the types differ.
template <typename Op> struct LowerMovement : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    auto input = rescale(rewriter, op, adaptor.getInput(), *from, *to);
    if (failed(input))
      return failure();
    rewriter.replaceOp(
        op, moved(rewriter, op, storageTensorOf(op.getOutput()), *input, *to));
    return success();
  }
};

struct LowerConcat : OpConversionPattern<qnn::ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ConcatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto to = activationTypeOf(op, op.getOutput());
    if (failed(to))
      return failure();
    SmallVector<Value> inputs;
    for (auto [original, storage] :
         llvm::zip(op.getInputs(), adaptor.getInputs())) {
      auto from = activationTypeOf(op, original);
      if (failed(from))
        return failure();
      auto rescaled = rescale(rewriter, op, storage, *from, *to);
      if (failed(rescaled))
        return failure();
      inputs.push_back(*rescaled);
    }
    rewriter.replaceOpWithNewOp<dyadic::ConcatOp>(
        op, storageTensorOf(op.getOutput()), inputs, op.getAxis());
    return success();
  }
};
} // namespace

void dyadic::populateMovementPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<LowerMovement<qnn::ReshapeOp>, LowerMovement<qnn::TransposeOp>,
               LowerMovement<qnn::SliceOp>, LowerMovement<qnn::PadOp>,
               LowerMovement<qnn::ResizeOp>, LowerMovement<qnn::GatherOp>,
               LowerConcat>(
      converter, patterns.getContext());
}
