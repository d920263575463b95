//===- AdoptWeights.cpp ---------------------------------------------------===//
//
// With w = s_w (q − z), the integers q − z are weights of zero point 0. They have
// up to nine bits; those of more than eight are the sum of two weights, each of
// which gets the input:
//
//   x · d = x · ⌊d/2⌋ + x · (d − ⌊d/2⌋)
//
//===----------------------------------------------------------------------===//
#include "AdoptWeights.h"

#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// The scales and zero points of a constant's elements.
struct Channels {
  SmallVector<double> scales;
  SmallVector<int64_t> zeroPoints;
  /// −1 where they are the same for all.
  int64_t dimension = -1;
  int64_t inner = 1;

  explicit Channels(RankedTensorType type) {
    if (auto whole = dyn_cast<quant::UniformQuantizedType>(type.getElementType())) {
      scales = {whole.getScale()};
      zeroPoints = {whole.getZeroPoint()};
    } else if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(
                   type.getElementType())) {
      scales = llvm::to_vector(perAxis.getScales());
      zeroPoints = llvm::to_vector(perAxis.getZeroPoints());
      dimension = perAxis.getQuantizedDimension();
      for (int64_t extent : type.getShape().drop_front(dimension + 1))
        inner *= extent;
    }
  }

  size_t of(int64_t i) const { return i / inner % scales.size(); }
};
} // namespace

/// Copies `rows` rows of `width` elements of each half side by side.
static HostTensor split(const HostTensor &first, ArrayRef<int16_t> weights,
                        int64_t rows, int64_t width) {
  HostTensor out = first;
  out.bytes.resize(2 * first.bytes.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) {
      int16_t w = weights[r * width + i];
      int16_t half = static_cast<int16_t>(w >> 1);
      out.bytes[r * 2 * width + i] = static_cast<char>(half);
      out.bytes[(r * 2 + 1) * width + i] = static_cast<char>(w - half);
    }
  return out;
}

std::optional<AdoptedWeights> dyadic::adoptWeights(OpBuilder &builder,
                                                   Operation *contraction,
                                                   Value stored,
                                                   std::string &reason) {
  auto type = cast<RankedTensorType>(stored.getType());
  auto element = cast<quant::QuantizedType>(type.getElementType());
  auto conv = dyn_cast<qnn::Conv2DOp>(contraction);
  int64_t dim = conv ? 0 : type.getRank() - 1;
  Channels channels(type);
  if (channels.scales.empty() ||
      (channels.dimension >= 0 && channels.dimension != dim)) {
    reason = "the scales of its weights aren't those of output channels";
    return std::nullopt;
  }
  FailureOr<HostTensor> tensor = readConstant(stored);
  if (element.getStorageTypeIntegralWidth() > 8 || failed(tensor)) {
    reason = "its weights have more than 8 bits";
    return std::nullopt;
  }
  int64_t count = tensor->numElements();
  std::vector<int16_t> weights(count);
  int16_t least = 0, largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    weights[i] = static_cast<int16_t>(tensor->get(i) -
                                      channels.zeroPoints[channels.of(i)]);
    least = std::min(least, weights[i]);
    largest = std::max(largest, weights[i]);
  }

  AdoptedWeights result;
  result.scales = channels.scales;
  if (result.scales.size() == 1)
    result.scales.assign(type.getDimSize(dim), result.scales[0]);
  result.isSplit = least < INT8_MIN || largest > INT8_MAX;
  bool isGrouped = conv && conv.getGroups() != 1;
  if (result.isSplit && isGrouped) {
    reason = "its weights less their zero points have more than 8 bits";
    return std::nullopt;
  }
  HostTensor values(ElementKind::I8, tensor->shape);
  for (int64_t i = 0; i < count; ++i)
    values.bytes[i] = static_cast<char>(weights[i]);
  if (result.isSplit) {
    // Filters are O×KH×KW×I, right operands K×N.
    int64_t width = conv ? type.getShape().back() : count;
    values = split(values, weights, count / width, width);
    values.shape[conv ? 3 : 0] *= 2;
  }
  // What the model says has four bits is kept in four.
  bool isNarrow = !isGrouped && least >= -8 && largest <= 7 &&
                  element.getStorageTypeMax() - element.getStorageTypeMin() < 16;
  Type storage = isNarrow ? builder.getI4Type() : builder.getI8Type();
  auto newType = quant::UniformQuantizedPerAxisType::get(
      quant::QuantizationFlags::Signed, storage, builder.getF32Type(),
      result.scales, SmallVector<int64_t>(result.scales.size(), 0),
      static_cast<int32_t>(dim), isNarrow ? -8 : -128, isNarrow ? 7 : 127);
  SmallVector<int64_t> shape = values.shape;
  ElementsAttr value =
      makeConstant(std::move(values), RankedTensorType::get(shape, storage));
  result.constant = qnn::ConstantOp::create(
      builder, stored.getLoc(), RankedTensorType::get(shape, newType), value);
  return result;
}

FailureOr<Value> dyadic::realConstant(OpBuilder &builder, Value stored) {
  auto type = cast<RankedTensorType>(stored.getType());
  Channels channels(type);
  FailureOr<HostTensor> tensor = readConstant(stored);
  if (failed(tensor) || channels.scales.empty())
    return failure();
  HostTensor reals(ElementKind::F32, tensor->shape);
  for (int64_t i = 0, e = reals.numElements(); i < e; ++i) {
    size_t c = channels.of(i);
    reals.as<float>()[i] =
        static_cast<float>(tensor->get(i) - channels.zeroPoints[c]) *
        static_cast<float>(channels.scales[c]);
  }
  auto realType = RankedTensorType::get(type.getShape(), builder.getF32Type());
  ElementsAttr value = makeConstant(std::move(reals), realType);
  return qnn::ConstantOp::create(builder, stored.getLoc(), realType, value)
      .getResult();
}
