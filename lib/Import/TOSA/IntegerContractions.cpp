//===- IntegerContractions.cpp - integer sums over windows and rows -------===//
//
// TOSA subtracts the zero points from the operands, ours have −z·Σw in the bias.
// Where that isn't possible (weights or a bias that aren't constant, weights
// with a zero point, wider types) the result is null.
//
//===----------------------------------------------------------------------===//
#include "OpConverter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::tosa_import {

static bool isI8(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return isStorage(value.getType()) && type.getElementType().isSignlessInteger(8);
}

static bool isAccumulator(RankedTensorType type) {
  return type.hasStaticShape() && type.getElementType().isSignlessInteger(32);
}

static Value makeWeights(OpConverter &c, HostTensor weights, Type element) {
  auto type = RankedTensorType::get(weights.shape, element);
  return c.create<dyadic::ConstantOp>(type,
                                      makeConstant(std::move(weights), type));
}

/// bias − inputZp · Σ weights of each channel as a constant; none where it
/// doesn't fit. A bias of one element belongs to all channels; `step` is the
/// distance of a channel's weights.
static Value foldZeroPoint(OpConverter &c, const HostTensor *bias,
                           const HostTensor &weights, int64_t channels,
                           int64_t inputZp, bool channelsLast) {
  ArrayRef<int8_t> values = weights.as<int8_t>();
  int64_t count = channels ? values.size() / channels : 0;
  HostTensor folded(ElementKind::I32, {channels});
  for (int64_t channel = 0; channel < channels; ++channel) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i)
      sum += values[channelsLast ? i * channels + channel : channel * count + i];
    int64_t start = 0;
    if (bias)
      start = bias->as<int32_t>()[bias->numElements() == 1 ? 0 : channel];
    int64_t value = start - inputZp * sum;
    if (!llvm::isInt<32>(value))
      return {};
    folded.as<int32_t>()[channel] = static_cast<int32_t>(value);
  }
  auto attribute = makeConstant(std::move(folded), c.b.getContext());
  return c.create<dyadic::ConstantOp>(attribute.getType(), attribute);
}

/// `filter` is O×KH×KW×I.
template <typename Op>
static FailureOr<Value> emitConv(OpConverter &c, Op op,
                                 FailureOr<HostTensor> filter, int64_t groups) {
  auto inputZp = c.integer(op.getInputZp()), weightZp = c.integer(op.getWeightZp());
  auto bias = readConstant(op.getBias());
  if (!isI8(op.getInput()) || !isAccumulator(c.resultType()) || !inputZp ||
      weightZp != 0 || failed(filter) || filter->kind != ElementKind::I8 ||
      failed(bias) || bias->kind != ElementKind::I32)
    return Value();
  Value folded = foldZeroPoint(c, &*bias, *filter, filter->shape[0], *inputZp,
                               /*channelsLast=*/false);
  if (!folded)
    return Value();
  Type element = cast<ShapedType>(op.getWeight().getType()).getElementType();
  Value weights = makeWeights(c, std::move(*filter), element);
  Value input = c.padImage(op.getInput(), op.getPad(), *inputZp);
  return c.create<dyadic::Conv2DOp>(c.resultType(), input, weights, folded,
                                    op.getStride(), op.getDilation(), groups,
                                    DenseI8ArrayAttr());
}

static FailureOr<Value> convertConv2D(OpConverter &c, tosa::Conv2DOp op) {
  return emitConv(c, op, readConstant(op.getWeight()), 1);
}

/// KH×KW×C×M → (C·M)×KH×KW×1, as for floats.
static FailureOr<Value> convertDepthwise(OpConverter &c,
                                         tosa::DepthwiseConv2DOp op) {
  auto filter = readConstant(op.getWeight());
  int64_t groups = 0;
  if (succeeded(filter) && filter->kind == ElementKind::I8) {
    ArrayRef<int64_t> shape = filter->shape;
    int64_t window = shape[0] * shape[1], channels = shape[2] * shape[3];
    groups = shape[2];
    HostTensor turned(ElementKind::I8, {channels, shape[0], shape[1], 1});
    for (int64_t i = 0; i < window; ++i)
      for (int64_t channel = 0; channel < channels; ++channel)
        turned.as<int8_t>()[channel * window + i] =
            filter->as<int8_t>()[i * channels + channel];
    filter = std::move(turned);
  }
  return emitConv(c, op, std::move(filter), groups);
}

static FailureOr<Value> convertMatMul(OpConverter &c, tosa::MatMulOp op) {
  auto lhsZp = c.integer(op.getAZp()), rhsZp = c.integer(op.getBZp());
  if (!isI8(op.getA()) || !isI8(op.getB()) || !isAccumulator(c.resultType()) ||
      !lhsZp || !rhsZp)
    return Value();
  auto weights = readConstant(op.getB());
  if (succeeded(weights) && weights->shape[0] == 1 && *rhsZp == 0) {
    weights->shape.erase(weights->shape.begin());
    if (Value bias = foldZeroPoint(c, nullptr, *weights, weights->shape[1],
                                   *lhsZp, /*channelsLast=*/true)) {
      Value rhs = makeWeights(c, std::move(*weights), c.b.getI8Type());
      return c.create<dyadic::MatmulOp>(c.resultType(), op.getA(), rhs, bias,
                                        DenseI8ArrayAttr());
    }
  }
  return c.create<BatchMatmulOp>(c.resultType(), op.getA(), op.getB(),
                                 static_cast<int32_t>(*lhsZp),
                                 static_cast<int32_t>(*rhsZp));
}

/// TOSA divides by the number of elements in the window with its own
/// reciprocal, rounded half up. With padding the number differs from window to
/// window.
static FailureOr<Value> convertAvgPool(OpConverter &c, tosa::AvgPool2dOp op) {
  auto inputZp = c.integer(op.getInputZp()), outputZp = c.integer(op.getOutputZp());
  bool padded = llvm::any_of(op.getPad(), [](int64_t pad) { return pad != 0; });
  if (!isI8(op.getInput()) || !isI8(op.getOutput()) || !inputZp || !outputZp ||
      padded)
    return Value();
  ArrayRef<int64_t> kernel = op.getKernel();
  int64_t count = kernel[0] * kernel[1];
  if (count > 1 << 16)
    return Value();
  int64_t bits = llvm::Log2_64_Ceil(count);
  int64_t multiplier = (((int64_t{1} << 30) + 1) << bits) / count;
  Value sum = c.create<SumPool2DOp>(c.resultType().clone(c.b.getI32Type()),
                                    op.getInput(),
                                    static_cast<int32_t>(*inputZp), kernel,
                                    op.getStride());
  StorageRange range = storageRange(c.resultType());
  return c.create<RequantizeOp>(
      c.resultType(), sum, ArrayRef(static_cast<int32_t>(multiplier)),
      ArrayRef(static_cast<int32_t>(30 + bits)), 0,
      static_cast<int32_t>(*outputZp), range.min, range.max, Rounding::HalfUp);
}

void addIntegerContractions(ConverterTable &table) {
  addConverter<tosa::Conv2DOp, convertConv2D>(table);
  addConverter<tosa::DepthwiseConv2DOp, convertDepthwise>(table);
  addConverter<tosa::MatMulOp, convertMatMul>(table);
  addConverter<tosa::AvgPool2dOp, convertAvgPool>(table);
}

} // namespace dyadic::tosa_import
