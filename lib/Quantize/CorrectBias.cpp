//===- CorrectBias.cpp - the mean error of rounded weights ----------------===//
//
// Rounding the weights W of an output channel to Ŵ moves its mean by
// Σ (Ŵ − W)·E[x], which the bias can take back exactly. In depthwise filters,
// with a few weights a channel, these shifts are what costs accuracy.
// Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
// Correction", 2019, section 4.2, with means that calibration measured.
//
//===----------------------------------------------------------------------===//
#include "Weights.h"

#include "dyadic/Quantize/Passes.h"
#include "dyadic/Support/ConstantData.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;
using namespace dyadic;

/// The input channel that weight `i` multiplies, and its output channel.
static std::pair<int64_t, int64_t> channelsOf(Operation *op,
                                              ArrayRef<int64_t> shape,
                                              int64_t i) {
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  if (!conv)
    return {i / shape.back(), i % shape.back()};
  int64_t output = i / (shape[1] * shape[2] * shape[3]);
  int64_t group = output / (shape[0] / static_cast<int64_t>(conv.getGroups()));
  return {group * shape[3] + i % shape[3], output};
}

void dyadic::correctBias(OpBuilder &builder, Operation *contraction,
                         Value quantizedWeights) {
  auto means =
      contraction->getAttrOfType<DenseF32ArrayAttr>(kInputMeansAttr);
  auto real = readConstant(contraction->getOperand(1));
  auto storage = readConstant(quantizedWeights);
  if (!means || failed(real) || failed(storage))
    return;
  auto weightType = cast<RankedTensorType>(quantizedWeights.getType());
  auto type = cast<quant::UniformQuantizedPerAxisType>(weightType.getElementType());
  int64_t channels = type.getScales().size();

  HostTensor bias(ElementKind::F32, {channels});
  if (contraction->getNumOperands() > 2) {
    auto given = readConstant(contraction->getOperand(2));
    if (failed(given))
      return;
    bias = std::move(*given);
  }
  SmallVector<double> shift(channels, 0);
  for (int64_t i = 0, e = real->numElements(); i < e; ++i) {
    auto [input, output] = channelsOf(contraction, weightType.getShape(), i);
    double error = storage->get(i) * type.getScales()[output] - real->get(i);
    shift[output] += error * means[input];
  }
  MutableArrayRef<float> values = bias.as<float>();
  for (int64_t c = 0; c < channels; ++c)
    values[c] = static_cast<float>(values[c] - shift[c]);

  ElementsAttr value = makeConstant(std::move(bias), builder.getContext());
  auto tensor = RankedTensorType::get({channels}, builder.getF32Type());
  Value corrected =
      qnn::ConstantOp::create(builder, contraction->getLoc(), tensor, value);
  if (contraction->getNumOperands() > 2)
    contraction->setOperand(2, corrected);
  else
    contraction->insertOperands(2, corrected);
}
