//===- LowerDynamic.cpp - contractions of what is quantized at run time ---===//
//
// With x = s_x (q_x − z_x), both found at run time, and w = s_w q_w,
//
//   Σ x w + b = s_x s_w (Σ q_x q_w − z_x Σ q_w) + b
//
// where Σ q_w is a constant. docs/Quantization.md, "Scales found at run time".
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Dialect/QNN/PadImage.h"
#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// What makes reals of a contraction's sums.
struct Scaling {
  SmallVector<int32_t> weightSums;
  SmallVector<float> weightScales;
  DenseF32ArrayAttr bias; // may be null

  static FailureOr<Scaling> of(Operation *op, Value weights, Value stored, Value bias) {
    auto type = cast<RankedTensorType>(weights.getType());
    bool isConv = isa<qnn::Conv2DOp>(op);
    int64_t dim = isConv ? 0 : type.getRank() - 1, channels = type.getDimSize(dim);
    auto scales = dyadic::weightScales(op, type, dim);
    if (failed(scales))
      return failure();
    auto whole = dyn_cast<ActivationType>(type.getElementType());
    auto data = readConstant(stored);
    if (failed(data) || data->kind != ElementKind::I8 || (whole && whole.getZeroPoint()))
      return op->emitError("expected constant, signed weights of zero point 0");
    int64_t perChannel = data->numElements() / std::max<int64_t>(channels, 1);
    Scaling result;
    for (int64_t sum : channelSums(*data, channels, isConv ? perChannel : 1,
                                   isConv ? 1 : channels))
      result.weightSums.push_back(static_cast<int32_t>(sum));
    for (double scale : *scales)
      result.weightScales.push_back(static_cast<float>(scale));
    if (!bias)
      return result;
    auto values = readConstant(bias);
    if (failed(values) || values->kind != ElementKind::F32)
      return op->emitError("expected a constant bias of f32");
    result.bias = Builder(op).getDenseF32ArrayAttr(values->as<float>());
    return result;
  }
};

template <typename Op> struct LowerDynamic : OpConversionPattern<Op> {
  LowerDynamic(const TypeConverter &converter, MLIRContext *context)
      : OpConversionPattern<Op>(converter, context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!qnn::sumsIntegers(op))
      return failure();
    Location loc = op.getLoc();
    auto round = op->getOperand(0).template getDefiningOp<qnn::DynamicRoundOp>();
    Value weights = op->getOperand(1), stored = adaptor.getOperands()[1];
    auto scaling = Scaling::of(op, weights, stored, op.getBias());
    auto read = storedWeightsOf(rewriter, op, stored);
    if (failed(scaling) || failed(read))
      return failure();
    Value input = padded(op, rewriter.getRemappedValue(round.getInput()), rewriter);
    auto shape = cast<RankedTensorType>(input.getType());
    SmallVector<int64_t> groups(shape.getShape());
    std::fill(groups.begin() + round.getOuter(), groups.end(), 1);
    auto quantized = DynamicQuantizeOp::create(
        rewriter, loc,
        TypeRange{shape.clone(rewriter.getIntegerType(8, /*isSigned=*/false)),
                  shape.clone(groups), shape.clone(groups, rewriter.getI32Type())},
        input, round.getOuter());
    auto biasType = RankedTensorType::get(int64_t(scaling->weightSums.size()),
                                          rewriter.getI32Type());
    Value zeros = dyadic::ConstantOp::create(
        rewriter, loc, biasType,
        DenseElementsAttr::get(biasType, rewriter.getI32IntegerAttr(0)));
    auto result = cast<RankedTensorType>(op.getType());
    Value sums = contract(op, result.clone(rewriter.getI32Type()),
                          quantized.getOutput(), *read, zeros, rewriter);
    rewriter.replaceOpWithNewOp<ScaleSumsOp>(
        op, result, sums, quantized.getScale(), quantized.getZeroPoint(),
        rewriter.getDenseI32ArrayAttr(scaling->weightSums),
        rewriter.getDenseF32ArrayAttr(scaling->weightScales), scaling->bias);
    return success();
  }

private:
  /// The border is quantized with the image: zero is in every range.
  static Value padded(qnn::Conv2DOp op, Value input, OpBuilder &builder) {
    return qnn::padImage(builder, op, input, 0);
  }
  static Value padded(qnn::MatmulOp, Value input, OpBuilder &) { return input; }

  static Value contract(qnn::Conv2DOp op, Type type, Value input, Value filter,
                        Value bias, OpBuilder &builder) {
    return dyadic::Conv2DOp::create(builder, op.getLoc(), type, input, filter, bias,
                                    op.getStrides(), op.getDilations(), op.getGroups(),
                                    codebookOf(op));
  }
  static Value contract(qnn::MatmulOp op, Type type, Value lhs, Value rhs, Value bias,
                        OpBuilder &builder) {
    return dyadic::MatmulOp::create(builder, op.getLoc(), type, lhs, rhs, bias,
                                    codebookOf(op));
  }
};
} // namespace

void dyadic::populateDynamicPatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerDynamic<qnn::Conv2DOp>, LowerDynamic<qnn::MatmulOp>>(
      converter, patterns.getContext());
}
