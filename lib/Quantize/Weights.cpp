//===- Weights.cpp - constants as integers --------------------------------===//
//
// docs/Quantization.md: weights are symmetric in [−127, 127], one scale per
// output channel, so that the zero point of the input is the only one that a
// bias has to absorb.
//
//===----------------------------------------------------------------------===//
#include "Weights.h"

#include "LowBitWeights.h"
#include "WeightFormat.h"
#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// A bias may take this much of an accumulator; a channel whose weights are so
/// small that it would take more gets coarser weights, which don't matter there.
static constexpr double kBiasMax = 1 << 23;
/// A channel's scale is at least this fraction of the largest one's.
static constexpr double kLeastRelativeScale = 1.0 / (1 << 20);

/// The float elements of a constant; chooseFloatOps has seen that it is one.
static ArrayRef<float> elementsOf(Value constant, std::vector<float> &storage) {
  Attribute attribute;
  if (!matchPattern(constant, m_Constant(&attribute)))
    return {};
  FailureOr<ArrayRef<float>> elements = viewConstant(attribute, storage);
  return succeeded(elements) ? *elements : ArrayRef<float>();
}

ActivationType dyadic::constantType(Value constant, bool isSigned, bool isWide) {
  std::vector<float> storage;
  ArrayRef<float> elements = elementsOf(constant, storage);
  float min = 0, max = 0;
  for (float x : elements) {
    min = std::min(min, x);
    max = std::max(max, x);
  }
  if (isWide)
    return activationType16(constant.getContext(), min, max);
  return activationType(constant.getContext(), min, max, isSigned);
}

static Value makeQuantized(OpBuilder &builder, Location loc, HostTensor storage,
                           quant::QuantizedType type) {
  SmallVector<int64_t> shape = storage.shape;
  auto stored = RankedTensorType::get(shape, type.getStorageType());
  if (!type.isSigned())
    stored = tensorTypeOf(storage, builder.getContext());
  ElementsAttr value = makeConstant(std::move(storage), stored);
  return qnn::ConstantOp::create(builder, loc,
                                 RankedTensorType::get(shape, type), value);
}

Value dyadic::quantizeConstant(OpBuilder &builder, Value constant,
                               ActivationType type) {
  std::vector<float> storage;
  ArrayRef<float> elements = elementsOf(constant, storage);
  ElementKind kind = type.getStorageTypeIntegralWidth() == 16 ? ElementKind::I16
                     : type.isSigned()                        ? ElementKind::I8
                                                              : ElementKind::U8;
  HostTensor tensor(kind, cast<RankedTensorType>(constant.getType()).getShape());
  for (auto [i, x] : llvm::enumerate(elements)) {
    double q = roundHalfEven(x / type.getScale()) + type.getZeroPoint();
    tensor.set(i, std::min<double>(std::max<double>(q, type.getStorageTypeMin()),
                                   type.getStorageTypeMax()));
  }
  return makeQuantized(builder, constant.getLoc(), std::move(tensor), type);
}

/// The format of an integer op's weights.
static WeightFormat integerFormatOf(Operation *contraction) {
  return weightFormatOf(contraction).value_or(WeightFormat());
}

double dyadic::largestWeightScale(Operation *contraction) {
  std::vector<float> storage;
  float magnitude = 0;
  for (float w : elementsOf(contraction->getOperand(1), storage))
    magnitude = std::max(magnitude, std::fabs(w));
  return chooseSymmetricScale(magnitude,
                              integerFormatOf(contraction).largest());
}

namespace {
/// Weights as `outer` blocks of `channels` rows of `inner` elements.
struct ChannelLayout {
  int32_t dimension;
  int64_t channels, inner, outer;

  ChannelLayout(Operation *contraction, RankedTensorType type) {
    // Filters are O×KH×KW×C, right operands K×N.
    dimension = isa<qnn::Conv2DOp>(contraction) ? 0 : type.getRank() - 1;
    channels = type.getDimSize(dimension);
    inner = 1;
    for (int64_t extent : type.getShape().drop_front(dimension + 1))
      inner *= extent;
    outer = type.getNumElements() / std::max<int64_t>(channels * inner, 1);
  }

  template <typename Fn> void forEach(Fn fn) const {
    int64_t i = 0;
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t k = 0; k < inner; ++k)
          fn(c, i++);
  }
};
} // namespace

/// The scale of each channel. With groups in `format`, whose scales are the channel's
/// times factors, those become `factors`.
static SmallVector<double> channelScales(const ChannelLayout &layout,
                                         ArrayRef<float> weights,
                                         ArrayRef<float> bias,
                                         double inputScale,
                                         const WeightFormat &format,
                                         GroupFactors &factors) {
  SmallVector<float> magnitude(layout.channels, 0);
  std::vector<std::vector<float>> ofChannel(layout.channels);
  layout.forEach([&](int64_t c, int64_t i) {
    magnitude[c] = std::max(magnitude[c], std::fabs(weights[i]));
    if (format.bits < 8)
      ofChannel[c].push_back(weights[i]);
  });
  float largest = 0;
  for (float m : magnitude)
    largest = std::max(largest, m);
  int32_t max = format.largest();
  double least = chooseSymmetricScale(largest, max) * kLeastRelativeScale;

  SmallVector<double> scales;
  for (int64_t c = 0; c < layout.channels; ++c) {
    double bound = std::max<double>(least, std::numeric_limits<float>::min());
    if (!bias.empty())
      bound = std::max(bound, std::fabs(bias[c]) / (inputScale * kBiasMax));
    double scale = 0;
    if (format.group)
      scale = chooseFactors(factors, c, ofChannel[c], bound);
    else if (magnitude[c] > 0)
      scale = format.largest() < 127
                  ? leastErrorScale(ofChannel[c], max)
                  : chooseSymmetricScale(magnitude[c], max);
    scales.push_back(static_cast<float>(std::max(scale, bound)));
  }
  return scales;
}

/// Replaces integer weights by the entries of a codebook for all channels, which
/// the op then carries. An error counts with the square of its channel's scale.
static void toCodebook(Operation *contraction, const ChannelLayout &layout,
                       ArrayRef<float> weights, ArrayRef<double> scales,
                       MutableArrayRef<int8_t> storage) {
  constexpr int32_t max = INT8_MAX;
  std::vector<double> histogram(2 * max + 1, 0);
  double largest = *llvm::max_element(scales);
  layout.forEach([&](int64_t c, int64_t i) {
    double relative = scales[c] / largest;
    histogram[storage[i] + max] += relative * relative;
  });
  auto codebook = chooseCodebook(histogram);
  layout.forEach([&](int64_t c, int64_t i) {
    storage[i] = nearestEntry(codebook, weights[i] / scales[c]);
  });
  contraction->setAttr(kCodebookAttr,
                       DenseI8ArrayAttr::get(contraction->getContext(), codebook));
}

/// Factors of 1 for the groups of a constant of such `format`; none without groups.
static GroupFactors makeFactors(const ChannelLayout &layout, const WeightFormat &format) {
  GroupFactors factors;
  if (!format.group)
    return factors;
  factors.channels = layout.channels;
  factors.depth = layout.outer * layout.inner;
  factors.group = std::min(format.group, factors.depth);
  factors.factors.assign(factors.channels * factors.groups(), 1);
  return factors;
}

/// The weights as numbers of four bits times their groups' factors.
static ElementsAttr encodeGroups(const ChannelLayout &layout, RankedTensorType type,
                                 ArrayRef<float> weights, ArrayRef<double> scales,
                                 GroupFactors factors) {
  CodedIntegers integers{std::move(factors), std::vector<int8_t>(weights.size())};
  std::vector<std::vector<float>> ofChannel(layout.channels);
  layout.forEach([&](int64_t c, int64_t i) { ofChannel[c].push_back(weights[i]); });
  for (auto [c, row] : llvm::enumerate(ofChannel))
    roundToFactors(integers, c, row, scales[c]);
  return coded::IntegersAttr::get(type, layout.dimension, integers);
}

Value dyadic::quantizeWeights(OpBuilder &builder, Operation *contraction,
                              double inputScale) {
  Value constant = contraction->getOperand(1);
  auto tensorType = cast<RankedTensorType>(constant.getType());
  std::vector<float> weightStorage, biasStorage;
  ArrayRef<float> weights = elementsOf(constant, weightStorage), bias;
  if (contraction->getNumOperands() > 2)
    bias = elementsOf(contraction->getOperand(2), biasStorage);

  ChannelLayout layout(contraction, tensorType);
  WeightFormat format = integerFormatOf(contraction);
  int32_t max = format.largest();
  GroupFactors factors = makeFactors(layout, format);
  SmallVector<double> scales =
      channelScales(layout, weights, bias, inputScale, format, factors);
  Type element = builder.getIntegerType(max < INT8_MAX ? format.bits : 8);
  auto type = quant::UniformQuantizedPerAxisType::get(
      quant::QuantizationFlags::Signed, element, builder.getF32Type(), scales,
      SmallVector<int64_t>(layout.channels, 0), layout.dimension, -max, max);
  if (format.group)
    return qnn::ConstantOp::create(
        builder, constant.getLoc(), tensorType.clone(type),
        encodeGroups(layout, tensorType.clone(element), weights, scales,
                     std::move(factors)));
  HostTensor tensor(ElementKind::I8, tensorType.getShape());
  MutableArrayRef<int8_t> storage = tensor.as<int8_t>();
  layout.forEach([&](int64_t c, int64_t i) {
    double q = roundHalfEven(weights[i] / scales[c]);
    storage[i] = static_cast<int8_t>(
        std::min<double>(std::max<double>(q, -max), max));
  });
  if (format.values == WeightFormat::Values::Codebook)
    toCodebook(contraction, layout, weights, scales, storage);
  return makeQuantized(builder, constant.getLoc(), std::move(tensor), type);
}
