//===- LowerPointwise.cpp - borders, constants, tables, sums, products ----===//
#include "Lowering.h"
#include "ScalarFunction.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include <cmath>

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

/// quant.qcast and qnn.quantize. A type of fewer values than its storage has
/// (a clip that the model put behind its quantization) is a clamp more.
template <typename Op> struct LowerQuantize : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = activationTypeOf(op, op.getResult());
    if (failed(type))
      return failure();
    RankedTensorType storage = storageTensorOf(op.getResult());
    Value result = QuantizeOp::create(
        rewriter, op.getLoc(), storage, adaptor.getInput(),
        rewriter.getF32FloatAttr(inverseScale(type->getScale())),
        rewriter.getI32IntegerAttr(type->getZeroPoint()));
    StorageRange range = storageRange(storage);
    if (type->getStorageTypeMin() > range.min ||
        type->getStorageTypeMax() < range.max)
      result = makeClamp(rewriter, op.getLoc(), result,
                         type->getStorageTypeMin(), type->getStorageTypeMax());
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// At level 3 a quantized tensor is its storage.
template <typename Op> struct LowerStorageCast : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value input = adaptor.getInput();
    Type type = this->getTypeConverter()->convertType(op->getResult(0).getType());
    // Storage is signless in scast, and a u8 of the same bits is a ui8 here.
    if (input.getType() != type)
      input = qnn::buildCompute(
                  rewriter, op.getLoc(), "StorageCast", type, input,
                  [](OpBuilder &, Location, ValueRange arguments) {
                    return SmallVector<Value>(arguments);
                  })
                  .getResult(0);
    rewriter.replaceOp(op, input);
    return success();
  }
};

/// quant.dcast and qnn.dequantize. Sums may have a scale per channel, the last
/// dimension: those are multiplied as floats.
template <typename Op> struct LowerDequantize : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto tensor = cast<RankedTensorType>(op.getInput().getType());
    auto perAxis =
        dyn_cast<quant::UniformQuantizedPerAxisType>(tensor.getElementType());
    if (perAxis && perAxis.getStorageType().isInteger(32) &&
        perAxis.getQuantizedDimension() == tensor.getRank() - 1)
      return lowerSums(op, adaptor.getInput(), perAxis, rewriter);
    auto type = activationTypeOf(op, op.getInput());
    if (failed(type))
      return failure();
    rewriter.replaceOpWithNewOp<DequantizeOp>(
        op, op.getType(), adaptor.getInput(),
        rewriter.getF32FloatAttr(static_cast<float>(type->getScale())),
        rewriter.getI32IntegerAttr(type->getZeroPoint()));
    return success();
  }

private:
  static LogicalResult lowerSums(Op op, Value sums,
                                 quant::UniformQuantizedPerAxisType type,
                                 ConversionPatternRewriter &rewriter) {
    if (llvm::any_of(type.getZeroPoints(), [](int64_t z) { return z != 0; }))
      return op.emitError("expected sums of zero point 0");
    Value floats = DequantizeOp::create(rewriter, op.getLoc(), op.getType(),
                                        sums, rewriter.getF32FloatAttr(1),
                                        rewriter.getI32IntegerAttr(0));
    HostTensor scales(ElementKind::F32,
                      {static_cast<int64_t>(type.getScales().size())});
    for (auto [to, from] : llvm::zip(scales.as<float>(), type.getScales()))
      to = static_cast<float>(from);
    auto scaleType = RankedTensorType::get(scales.shape, rewriter.getF32Type());
    Value factors = qnn::ConstantOp::create(
        rewriter, op.getLoc(), scaleType,
        makeConstant(std::move(scales), scaleType));
    rewriter.replaceOpWithNewOp<qnn::MulOp>(op, op.getType(), floats, factors);
    return success();
  }
};

/// Functions of one element: relu and clamp between equal types are clamps,
/// everything else is a table.
struct LowerUnary : OpInterfaceConversionPattern<qnn::ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ElementwiseOpInterface op, ArrayRef<Value>,
                  ConversionPatternRewriter &rewriter) const override {
    auto function = ScalarFunction::endingAt(op);
    if (!function)
      return failure();
    auto from = activationTypeOf(op, function->input),
         to = activationTypeOf(op, op->getResult(0));
    if (failed(from) || failed(to))
      return failure();
    Value input = rewriter.getRemappedValue(function->input);
    Location loc = op->getLoc();
    auto cut = cutOf(op);
    if (cut && *from == *to && function->steps.size() == 1) {
      rewriter.replaceOp(op, makeClamp(rewriter, loc, input,
                                       storageOf(cut->first, *to),
                                       storageOf(cut->second, *to)));
      return success();
    }
    // Others are arithmetic, interpolated, or computed in float.
    if (from->getStorageTypeIntegralWidth() != 8 || to->getStorageTypeIntegralWidth() != 8)
      return rewriter.notifyMatchFailure(op, "expected an operand and a result of 8 bits");
    rewriter.replaceOpWithNewOp<LookupOp>(
        op, storageTensorOf(op->getResult(0)), input,
        function->tabulate(*from, *to));
    return success();
  }

private:
  /// The interval that relu and clamp cut their operand to.
  static std::optional<std::pair<double, double>> cutOf(Operation *op) {
    if (isa<qnn::ReluOp>(op))
      return std::make_pair(0.0, double(INFINITY));
    if (auto clamp = dyn_cast<qnn::ClampOp>(op))
      return std::make_pair(clamp.getMin().convertToDouble(),
                            clamp.getMax().convertToDouble());
    return std::nullopt;
  }
};

/// x + y and x − y: both operands weighted, then requantized.
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
    rewriter.replaceOp(op, requantizeTo(rewriter, op, sum,
                                        weights->requantizer, resultType,
                                        *out));
    return success();
  }
};

/// x · g with a g that many elements of x share, as those of a channel do the gate
/// of a squeeze-and-excite: once per element of g it becomes a factor of 16 bits,
/// and the product one multiplication that rounds.
struct LowerGate : OpConversionPattern<qnn::MulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::MulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto gate = sharedOperand(op);
    if (!gate || isLiteRTExact(op))
      return failure();
    auto x = activationTypeOf(op, op->getOperand(1 - *gate)),
         g = activationTypeOf(op, op->getOperand(*gate)),
         out = activationTypeOf(op, op.getOutput());
    if (failed(x) || failed(g) || failed(out))
      return failure();
    for (ActivationType type : {*x, *g, *out})
      if (type.getStorageTypeIntegralWidth() != 8)
        return failure();
    int64_t magnitude = std::max(g->getStorageTypeMax() - g->getZeroPoint(),
                                 g->getZeroPoint() - g->getStorageTypeMin());
    auto multipliers = factorMultipliers(
        x->getScale() * g->getScale() / out->getScale(), magnitude);
    if (!multipliers)
      return failure();
    Location loc = op.getLoc();
    Value small = adaptor.getOperands()[*gate];
    auto i16 = ActivationType::get(
        quant::QuantizationFlags::Signed, rewriter.getI16Type(),
        rewriter.getF32Type(), 1.0, 0, -kGreatestFactor, kGreatestFactor);
    Value factor = requantizeTo(
        rewriter, op, small, multipliers->factor,
        cast<RankedTensorType>(small.getType()).clone(rewriter.getI16Type()), i16,
        g->getZeroPoint());
    auto resultType = storageTensorOf(op.getOutput());
    Value product = dyadic::MulOp::create(
        rewriter, loc, resultType.clone(rewriter.getI32Type()),
        adaptor.getOperands()[1 - *gate], factor, x->getZeroPoint(), 0);
    rewriter.replaceOp(op, requantizeTo(rewriter, op, product,
                                        multipliers->product, resultType, *out,
                                        /*inputZeroPoint=*/0, Rounding::HalfUp));
    return success();
  }

private:
  /// The number of the operand whose elements are known at run time only, and
  /// shared by at least four of the result.
  static std::optional<unsigned> sharedOperand(qnn::MulOp op) {
    auto typeOf = [](Value value) {
      return cast<RankedTensorType>(value.getType());
    };
    auto whole = typeOf(op.getOutput());
    for (unsigned i : {1u, 0u}) {
      Value small = op->getOperand(i);
      if (typeOf(op->getOperand(1 - i)).getShape() == whole.getShape() &&
          !small.getDefiningOp<qnn::ConstantOp>() &&
          4 * typeOf(small).getNumElements() <= whole.getNumElements())
        return i;
    }
    return std::nullopt;
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
    rewriter.replaceOp(op, requantizeTo(rewriter, op, product,
                                        *multiplier, resultType, *out));
    return success();
  }
};
} // namespace

void dyadic::populatePointwisePatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerConstant, LowerQuantize<quant::QuantizeCastOp>,
               LowerQuantize<qnn::QuantizeOp>,
               LowerStorageCast<quant::StorageCastOp>,
               LowerStorageCast<qnn::StorageCastOp>,
               LowerDequantize<quant::DequantizeCastOp>,
               LowerDequantize<qnn::DequantizeOp>, LowerSum<qnn::AddOp>,
               LowerSum<qnn::SubOp>, LowerMul>(converter, context);
  // Before the others: a sum with one number is a function of one element.
  patterns.add<LowerUnary>(converter, context, /*benefit=*/2);
  // Before LowerMul, which takes every product.
  patterns.add<LowerGate>(converter, context, /*benefit=*/2);
}
