//===- LowerContractions.cpp - conv2d and matmul as integer sums ----------===//
//
// With x = s_x (q_x − z_x) and w = s_w q_w,
//
//   Σ x w + b = s_x s_w (Σ q_x q_w − z_x Σ q_w + b / (s_x s_w))
//
// so the integer bias is round(b / (s_x s_w)) − z_x Σ q_w, and the sum becomes
// the result by the multiplier s_x s_w / s_y. docs/Quantization.md.
//
//===----------------------------------------------------------------------===//
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// What the integer form needs beside the two operands.
struct Finish {
  Value bias;
  SmallVector<FixedPointMultiplier> multipliers;
  /// Signed weights whose sum is the weights'.
  SmallVector<Value> weights;
};
} // namespace

/// The scale of sums. LiteRT multiplies scales as floats where weights are
/// unsigned.
static double productOf(Operation *op, double input, double weight,
                        Type weightElement) {
  if (isLiteRTExact(op) && !cast<quant::QuantizedType>(weightElement).isSigned())
    return static_cast<float>(input) * static_cast<float>(weight);
  return input * weight;
}

/// Whether sums are scaled as f64 and rounded half away from zero: LiteRT's
/// reference of a signed fully connected layer.
static bool roundsAsDouble(Operation *op, Type weightElement) {
  return isLiteRTExact(op) && isa<qnn::MatmulOp>(op) &&
         cast<quant::QuantizedType>(weightElement).isSigned();
}

/// The multiplier of one channel's sums.
static FailureOr<FixedPointMultiplier>
sumMultiplier(Operation *op, double scale, Type weightElement,
              ActivationType output) {
  if (!roundsAsDouble(op, weightElement))
    return multiplierOf(op, scale);
  int32_t zeroPoint = output.getZeroPoint();
  if (auto multiplier = litert::quantizeMultiplierAsDouble(
          scale, output.getStorageTypeMin() - zeroPoint,
          output.getStorageTypeMax() - zeroPoint))
    return *multiplier;
  return op->emitError() << "expected a scale for which a multiplier of 31 bits "
                            "rounds as f64 does, but got "
                         << scale << ": use --requantize=nearest_even";
}

/// Weights less their zero point as signed bytes: the sum of the result. What
/// doesn't fit the first tensor is in the second, and so on.
static SmallVector<HostTensor> signedParts(const HostTensor &weights,
                                           int64_t zeroPoint) {
  SmallVector<int64_t> rest;
  for (int64_t i = 0, e = weights.numElements(); i < e; ++i)
    rest.push_back(static_cast<int64_t>(weights.get(i)) - zeroPoint);
  SmallVector<HostTensor> parts;
  do {
    HostTensor part(ElementKind::I8, weights.shape);
    for (auto [value, left] : llvm::zip_equal(part.as<int8_t>(), rest)) {
      value = static_cast<int8_t>(dyadic::clamp(left, -128, 127));
      left -= value;
    }
    parts.push_back(std::move(part));
  } while (llvm::any_of(rest, [](int64_t left) { return left != 0; }));
  return parts;
}

SmallVector<int64_t> dyadic::channelSums(const HostTensor &weights,
                                         int64_t channels,
                                         int64_t channelStride, int64_t step) {
  SmallVector<int64_t> sums(channels, 0);
  int64_t count = channels ? weights.numElements() / channels : 0;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < count; ++i)
      sums[c] += static_cast<int64_t>(weights.get(c * channelStride + i * step));
  return sums;
}

static FailureOr<Finish> makeFinish(OpBuilder &builder, Operation *op,
                                    Value input, Value weights,
                                    Value storedWeights, Value bias) {
  // Sums stay what they are: their type has the scales.
  ActivationType output;
  if (!holdsSums(op->getResult(0).getType())) {
    auto type = activationTypeOf(op, op->getResult(0));
    if (failed(type))
      return failure();
    output = *type;
  }
  auto inputType = activationTypeOf(op, input);
  if (failed(inputType))
    return failure();
  if (isInteger16(*inputType))
    return failure(); // LowerInt16.cpp has those
  auto weightType = cast<RankedTensorType>(weights.getType());
  bool isConv = isa<qnn::Conv2DOp>(op);
  int64_t dim = isConv ? 0 : weightType.getRank() - 1;
  auto scales = weightScales(op, weightType, dim);
  if (failed(scales))
    return failure();
  FailureOr<HostTensor> data = readConstant(storedWeights);
  if (failed(data) || byteWidth(data->kind) != 1)
    return op->emitError("expected constant weights of 8 bits");
  auto whole = dyn_cast<ActivationType>(weightType.getElementType());
  int64_t weightZeroPoint = whole ? whole.getZeroPoint() : 0;

  int64_t channels = weightType.getDimSize(dim);
  int64_t perChannel = data->numElements() / std::max<int64_t>(channels, 1);
  HostTensor biasData(ElementKind::F32, {channels});
  if (bias) {
    FailureOr<HostTensor> constant = readConstant(bias);
    if (failed(constant) || (constant->kind != ElementKind::F32 &&
                             constant->kind != ElementKind::I32))
      return op->emitError("expected a constant bias of f32 or i32");
    biasData = std::move(*constant);
  }

  auto sums = channelSums(*data, channels, isConv ? perChannel : 1,
                          isConv ? 1 : channels);
  Finish finish;
  finish.weights.push_back(storedWeights);
  if (weightZeroPoint || data->kind != ElementKind::I8) {
    for (int64_t &sum : sums)
      sum -= weightZeroPoint * perChannel;
    finish.weights.clear();
    for (HostTensor &part : signedParts(*data, weightZeroPoint))
      finish.weights.push_back(dyadic::ConstantOp::create(
          builder, op->getLoc(), weightType.clone(builder.getI8Type()),
          makeConstant(std::move(part), op->getContext())));
  }
  HostTensor integerBias(ElementKind::I32, {channels});
  for (int64_t c = 0; c < channels; ++c) {
    double scale = productOf(op, inputType->getScale(), (*scales)[c],
                             weightType.getElementType());
    double stored = biasData.get(c);
    if (biasData.kind == ElementKind::F32)
      stored = roundHalfEven(stored / scale);
    double value =
        stored - static_cast<double>(inputType->getZeroPoint() * sums[c]);
    if (!(std::abs(value) <= INT32_MAX))
      return op->emitError() << "expected a bias of at most 32 bits, but that "
                                "of channel "
                             << c << " is " << value;
    integerBias.as<int32_t>()[c] = static_cast<int32_t>(value);
    if (!output)
      continue;
    auto multiplier = sumMultiplier(op, scale / output.getScale(),
                                    weightType.getElementType(), output);
    if (failed(multiplier))
      return failure();
    finish.multipliers.push_back(*multiplier);
  }
  ElementsAttr attribute =
      makeConstant(std::move(integerBias), op->getContext());
  finish.bias = dyadic::ConstantOp::create(
      builder, op->getLoc(),
      RankedTensorType::get({channels}, builder.getI32Type()), attribute);
  return finish;
}

DenseI8ArrayAttr dyadic::codebookOf(Operation *op) {
  return op->getAttrOfType<DenseI8ArrayAttr>(kCodebookAttr);
}

FailureOr<Value> dyadic::storedWeightsOf(OpBuilder &builder, Operation *op,
                                         Value weights) {
  DenseI8ArrayAttr codebook = codebookOf(op);
  if (!codebook)
    return weights;
  FailureOr<HostTensor> numbers = readConstant(weights);
  if (failed(numbers) || numbers->kind != ElementKind::I8)
    return op->emitError("expected constant weights of 8 bits with a codebook");
  for (int8_t &weight : numbers->as<int8_t>()) {
    const int8_t *entry = llvm::find(codebook.asArrayRef(), weight);
    if (entry == codebook.asArrayRef().end())
      return op->emitError() << "expected weights that are entries of the "
                                "codebook, but got "
                             << static_cast<int>(weight);
    weight = static_cast<int8_t>(entry - codebook.asArrayRef().begin());
  }
  RankedTensorType type =
      cast<RankedTensorType>(weights.getType()).clone(builder.getI4Type());
  ElementsAttr value = makeConstant(std::move(*numbers), type);
  return dyadic::ConstantOp::create(builder, op->getLoc(), type, value)
      .getResult();
}

/// The sum as what the op's result is: itself, or requantized.
static FailureOr<Value> finishSum(OpBuilder &builder, Operation *op, Value sum,
                                  ArrayRef<FixedPointMultiplier> multipliers,
                                  std::optional<Rounding> rounding = std::nullopt) {
  Value result = op->getResult(0);
  if (holdsSums(result.getType()))
    return sum;
  auto type = activationTypeOf(op, result);
  if (failed(type))
    return failure();
  return requantizeTo(builder, op, sum, multipliers, storageTensorOf(result), *type,
                      /*inputZeroPoint=*/0, rounding);
}

static RankedTensorType accumulatorType(OpBuilder &builder, Value output) {
  return cast<RankedTensorType>(output.getType()).clone(builder.getI32Type());
}

/// `contract` with each part of the weights; the bias goes with the first.
static FailureOr<SmallVector<Value>>
contractParts(OpBuilder &builder, Operation *op, const Finish &finish,
              llvm::function_ref<Value(Value weights, Value bias)> contract) {
  SmallVector<Value> sums;
  Value bias = finish.bias;
  auto type = cast<RankedTensorType>(bias.getType());
  for (Value part : finish.weights) {
    auto weights = storedWeightsOf(builder, op, part);
    if (failed(weights))
      return failure();
    sums.push_back(contract(*weights, bias));
    if (sums.size() < finish.weights.size())
      bias = dyadic::ConstantOp::create(
          builder, op->getLoc(), type,
          DenseElementsAttr::get(type, builder.getI32IntegerAttr(0)));
  }
  return sums;
}

/// The sums of all parts, added up, as what the op's result is. Weights that have
/// parts have one scale.
static FailureOr<Value> finishParts(OpBuilder &builder, Operation *op,
                                    const Finish &finish, ArrayRef<Value> sums,
                                    std::optional<Rounding> rounding = std::nullopt) {
  if (sums.size() == 1)
    return finishSum(builder, op, sums[0], finish.multipliers, rounding);
  Value result = op->getResult(0);
  bool staysSum = holdsSums(result.getType());
  ActivationType output;
  if (!staysSum) {
    auto type = activationTypeOf(op, result);
    if (failed(type))
      return failure();
    output = *type;
  }
  auto mode = static_cast<RoundingMode>(rounding.value_or(roundingOf(op)));
  return qnn::buildElementwise(
      builder, op->getLoc(), "SumOfParts",
      staysSum ? accumulatorType(builder, result) : storageTensorOf(result), sums,
      [&](OpBuilder &b, Location loc, ValueRange scalars) {
        FixedPointBuilder f{b, loc};
        Value sum = scalars[0];
        for (Value other : scalars.drop_front())
          sum = f.add(sum, other);
        if (staysSum)
          return sum;
        return f.toStorage(f.requantize(sum, finish.multipliers[0], mode), output);
      });
}

namespace {
struct LowerConv2D : OpConversionPattern<qnn::Conv2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::Conv2DOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto finish = makeFinish(rewriter, op, op.getInput(), op.getFilter(),
                             adaptor.getFilter(), adaptor.getBias());
    if (failed(finish))
      return failure();
    auto input = activationTypeOf(op, op.getInput());
    Value padded = padImage(rewriter, op.getLoc(), adaptor.getInput(),
                            op.getPads(), input->getZeroPoint());
    auto sums = contractParts(rewriter, op, *finish, [&](Value filter, Value bias) {
      return dyadic::Conv2DOp::create(
          rewriter, op.getLoc(), accumulatorType(rewriter, op.getOutput()),
          padded, filter, bias, op.getStrides(), op.getDilations(),
          op.getGroups(), codebookOf(op));
    });
    if (failed(sums))
      return failure();
    auto result = finishParts(rewriter, op, *finish, *sums);
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, *result);
    return success();
  }
};

struct LowerMatmul : OpConversionPattern<qnn::MatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (qnn::isRunTimeProduct(op))
      return lowerRunTimeProduct(op, adaptor, rewriter);
    if (cast<RankedTensorType>(op.getRhs().getType()).getRank() != 2)
      return op.emitError() << "expected a right operand of rank 2, but got "
                            << op.getRhs().getType();
    auto finish = makeFinish(rewriter, op, op.getLhs(), op.getRhs(),
                             adaptor.getRhs(), adaptor.getBias());
    if (failed(finish))
      return failure();
    auto sums = contractParts(rewriter, op, *finish, [&](Value rhs, Value bias) {
      return dyadic::MatmulOp::create(
          rewriter, op.getLoc(), accumulatorType(rewriter, op.getOutput()),
          adaptor.getLhs(), rhs, bias, codebookOf(op));
    });
    if (failed(sums))
      return failure();
    Type weights = cast<RankedTensorType>(op.getRhs().getType()).getElementType();
    std::optional<Rounding> rounding;
    if (roundsAsDouble(op, weights))
      rounding = Rounding::HalfUp;
    auto result = finishParts(rewriter, op, *finish, *sums, rounding);
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, *result);
    return success();
  }

private:
  /// Both zero points are taken off inside of the product.
  static LogicalResult
  lowerRunTimeProduct(qnn::MatmulOp op, OpAdaptor adaptor,
                      ConversionPatternRewriter &rewriter) {
    auto lhs = activationTypeOf(op, op.getLhs()),
         rhs = activationTypeOf(op, op.getRhs());
    if (failed(lhs) || failed(rhs))
      return failure();
    if (op.getBias())
      return op.emitError("expected no bias beside a right operand that is "
                          "computed at run time");
    SmallVector<FixedPointMultiplier> multipliers;
    if (!holdsSums(op.getType())) {
      auto output = activationTypeOf(op, op.getOutput());
      if (failed(output))
        return failure();
      double scale = lhs->getScale() * rhs->getScale();
      if (isLiteRTExact(op)) // which multiplies them as floats
        scale = static_cast<float>(lhs->getScale()) *
                static_cast<float>(rhs->getScale());
      auto multiplier = multiplierOf(op, scale / output->getScale());
      if (failed(multiplier))
        return failure();
      multipliers.push_back(*multiplier);
    }
    Value sum = dyadic::BatchMatmulOp::create(
        rewriter, op.getLoc(), accumulatorType(rewriter, op.getOutput()),
        adaptor.getLhs(), adaptor.getRhs(), lhs->getZeroPoint(),
        rhs->getZeroPoint());
    auto result = finishSum(rewriter, op, sum, multipliers);
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, *result);
    return success();
  }
};
} // namespace

void dyadic::populateContractionPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerConv2D, LowerMatmul>(converter, patterns.getContext());
}
