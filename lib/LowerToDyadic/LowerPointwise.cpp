//===- LowerPointwise.cpp - borders, constants, tables, sums, products ----===//
#include "Lowering.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;
using namespace dyadic;

static Value makeClamp(OpBuilder &builder, Location loc, Value input,
                       int32_t min, int32_t max) {
  return dyadic::ClampOp::create(builder, loc, input.getType(), input, min,
                                 max);
}

namespace {
struct LowerConstant : OpConversionPattern<qnn::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<dyadic::ConstantOp>(
        op, storageTensorOf(op.getOutput()), op.getValue());
    return success();
  }
};

struct LowerQuantizeCast : OpConversionPattern<quant::QuantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(quant::QuantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = activationTypeOf(op, op.getResult());
    if (failed(type))
      return failure();
    rewriter.replaceOpWithNewOp<QuantizeOp>(
        op, storageTensorOf(op.getResult()), adaptor.getInput(),
        rewriter.getF32FloatAttr(static_cast<float>(1.0 / type->getScale())),
        rewriter.getI32IntegerAttr(type->getZeroPoint()));
    return success();
  }
};

struct LowerDequantizeCast : OpConversionPattern<quant::DequantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(quant::DequantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = activationTypeOf(op, op.getInput());
    if (failed(type))
      return failure();
    rewriter.replaceOpWithNewOp<DequantizeOp>(
        op, op.getType(), adaptor.getInput(),
        rewriter.getF32FloatAttr(static_cast<float>(type->getScale())),
        rewriter.getI32IntegerAttr(type->getZeroPoint()));
    return success();
  }
};

/// A function of one element: a table of its values, or, between equal types,
/// the clamp that relu and clamp are.
template <typename Op> struct LowerUnary : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename Op::Adaptor;
  LogicalResult
  matchAndRewrite(Op op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    if (*from == *to && replaceByClamp(op, adaptor, *to, rewriter))
      return success();
    if (from->getStorageTypeIntegralWidth() != 8)
      return op.emitError("expected an operand of 8 bits");
    ElementsAttr table = makeTable(op, *from, *to);
    rewriter.replaceOpWithNewOp<LookupOp>(op, storageTensorOf(op.getOutput()),
                                          adaptor.getInput(), table);
    return success();
  }

private:
  static bool replaceByClamp(Op op, Adaptor adaptor, ActivationType type,
                             ConversionPatternRewriter &rewriter) {
    int32_t min = type.getStorageTypeMin(), max = type.getStorageTypeMax();
    if constexpr (std::is_same_v<Op, qnn::ReluOp>) {
      min = storageOf(0, type);
    } else if constexpr (std::is_same_v<Op, qnn::ClampOp>) {
      min = storageOf(op.getMin().convertToDouble(), type);
      max = storageOf(op.getMax().convertToDouble(), type);
    } else {
      return false;
    }
    rewriter.replaceOp(
        op, makeClamp(rewriter, op.getLoc(), adaptor.getInput(), min, max));
    return true;
  }

  static ElementsAttr makeTable(Op op, ActivationType from, ActivationType to) {
    HostTensor table(to.isSigned() ? ElementKind::I8 : ElementKind::U8, {256});
    int32_t first = from.isSigned() ? -128 : 0;
    for (int32_t i = 0; i < 256; ++i) {
      float x = dequantize(first + i, static_cast<float>(from.getScale()),
                           from.getZeroPoint());
      double y = op.evaluate({x});
      // An element that the function isn't defined for means nothing.
      table.bytes[i] = static_cast<char>(storageOf(y == y ? y : 0.0, to));
    }
    return makeConstant(std::move(table), op.getContext());
  }
};

/// x + y and x − y: both operands weighted over one shift, then requantized.
template <typename Op> struct LowerSum : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto lhs = activationTypeOf(op, op.getLhs()),
         rhs = activationTypeOf(op, op.getRhs()),
         out = activationTypeOf(op, op.getOutput());
    if (failed(lhs) || failed(rhs) || failed(out))
      return failure();
    double sign = std::is_same_v<Op, qnn::SubOp> ? -1 : 1;
    auto weights = addMultipliers(lhs->getScale() / out->getScale(),
                                  sign * rhs->getScale() / out->getScale());
    if (!weights)
      return op.emitError("expected operands of at most 2^38 times the "
                          "result's scale");
    auto resultType = storageTensorOf(op.getOutput());
    Value sum = dyadic::AddOp::create(
        rewriter, op.getLoc(), resultType.clone(rewriter.getI32Type()),
        adaptor.getLhs(), adaptor.getRhs(), lhs->getZeroPoint(),
        rhs->getZeroPoint(), weights->lhs, weights->rhs);
    rewriter.replaceOp(op, requantizeTo(rewriter, op.getLoc(), sum,
                                        weights->requantizer(), resultType,
                                        *out));
    return success();
  }
};

struct LowerMul : OpConversionPattern<qnn::MulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::MulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto lhs = activationTypeOf(op, op.getLhs()),
         rhs = activationTypeOf(op, op.getRhs()),
         out = activationTypeOf(op, op.getOutput());
    if (failed(lhs) || failed(rhs) || failed(out))
      return failure();
    auto multiplier = multiplierOf(
        op, lhs->getScale() * rhs->getScale() / out->getScale());
    if (failed(multiplier))
      return failure();
    auto resultType = storageTensorOf(op.getOutput());
    Value product = dyadic::MulOp::create(
        rewriter, op.getLoc(), resultType.clone(rewriter.getI32Type()),
        adaptor.getLhs(), adaptor.getRhs(), lhs->getZeroPoint(),
        rhs->getZeroPoint());
    rewriter.replaceOp(op, requantizeTo(rewriter, op.getLoc(), product,
                                        *multiplier, resultType, *out));
    return success();
  }
};
} // namespace

template <typename... Ops>
static void addUnary(const TypeConverter &converter,
                     RewritePatternSet &patterns) {
  patterns.add<LowerUnary<Ops>...>(converter, patterns.getContext());
}

void dyadic::populatePointwisePatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerConstant, LowerQuantizeCast, LowerDequantizeCast,
               LowerSum<qnn::AddOp>, LowerSum<qnn::SubOp>, LowerMul>(
      converter, patterns.getContext());
  addUnary<qnn::ReluOp, qnn::ClampOp, qnn::LeakyReluOp, qnn::SigmoidOp,
           qnn::TanhOp, qnn::HardSigmoidOp, qnn::HardSwishOp, qnn::SwishOp,
           qnn::GeluOp, qnn::ErfOp, qnn::ExpOp, qnn::LogOp, qnn::SqrtOp,
           qnn::AbsOp, qnn::NegOp, qnn::ReciprocalOp>(converter, patterns);
}
