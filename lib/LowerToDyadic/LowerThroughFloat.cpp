//===- LowerThroughFloat.cpp - quantized ops without an integer form ------===//
//
//   y = op(x)    becomes    quantize(op(dequantize(x)))
//
// Our quantizer leaves such ops in float by itself, but for functions of 16 bits;
// models that come quantized have them between quantized tensors.
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace dyadic;

static bool isQuantized(Value value) {
  auto tensor = cast<RankedTensorType>(value.getType());
  return isa<quant::QuantizedType>(tensor.getElementType());
}

LogicalResult dyadic::lowerThroughFloat(ConversionPatternRewriter &rewriter, Operation *op,
                                        ArrayRef<Value> operands) {
  Location loc = op->getLoc();
  Type real = rewriter.getF32Type();
  SmallVector<Value> reals;
  for (auto [original, storage] : llvm::zip_equal(op->getOperands(), operands)) {
    if (!isQuantized(original)) {
      reals.push_back(storage);
      continue;
    }
    auto type = activationTypeOf(op, original);
    if (failed(type))
      return failure();
    reals.push_back(DequantizeOp::create(
        rewriter, loc, cast<RankedTensorType>(original.getType()).clone(real),
        storage, rewriter.getF32FloatAttr(static_cast<float>(type->getScale())),
        rewriter.getI32IntegerAttr(type->getZeroPoint())));
  }
  Value result = op->getResult(0);
  if (!isQuantized(result))
    return failure();
  auto type = activationTypeOf(op, result);
  if (failed(type))
    return failure();
  if (isLiteRTExact(op))
    op->emitWarning() << op->getName() << " is computed in float: its result "
                      << "may be a step away from that of LiteRT's reference";
  OperationState state(loc, op->getName());
  state.addOperands(reals);
  state.addTypes(cast<RankedTensorType>(result.getType()).clone(real));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  state.addAttributes(op->getDiscardableAttrDictionary().getValue());
  Value computed = rewriter.create(state)->getResult(0);
  rewriter.replaceOpWithNewOp<QuantizeOp>(
      op, storageTensorOf(result), computed,
      rewriter.getF32FloatAttr(inverseScale(type->getScale())),
      rewriter.getI32IntegerAttr(type->getZeroPoint()));
  return success();
}

namespace {
struct LowerThroughFloat : ConversionPattern {
  LowerThroughFloat(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/0, context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) ||
        op->hasTrait<OpTrait::ConstantLike>() || op->getNumResults() != 1 ||
        op->getNumRegions() != 0)
      return failure();
    // What has an integer form and didn't take it is an error, except in LiteRT's
    // arithmetic, which has no such form for some.
    if (isa<qnn::QuantizableOpInterface>(op) && !isLiteRTExact(op))
      return failure();
    return lowerThroughFloat(rewriter, op, operands);
  }
};
} // namespace

void dyadic::populateThroughFloatPatterns(const TypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<LowerThroughFloat>(converter, patterns.getContext());
}
