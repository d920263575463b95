//===- Contractions.cpp - convolutions and matrix products ----------------===//
#include "OpRegistry.h"
#include "Window.h"

#include "dyadic/Support/StridedTensor.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;

namespace dyadic::tflite_import {

/// `type` for elements whose dimensions were permuted.
static Type permutedType(Type type, ArrayRef<int64_t> permutation) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  if (!perAxis)
    return type;
  auto at = llvm::find(permutation, perAxis.getQuantizedDimension());
  return quant::UniformQuantizedPerAxisType::get(
      perAxis.getFlags(), perAxis.getStorageType(), perAxis.getExpressedType(),
      perAxis.getScales(), perAxis.getZeroPoints(), at - permutation.begin(),
      perAxis.getStorageTypeMin(), perAxis.getStorageTypeMax());
}

/// The reals that quantized weights stand for, for an op of floats.
static HostTensor dequantized(const HostTensor &stored, const Tensor &tensor) {
  HostTensor result(ElementKind::F32, stored.shape);
  ArrayRef<float> scales = tensor.scales();
  ArrayRef<int64_t> zeroPoints = tensor.zeroPoints();
  int64_t inner = 1, channels = scales.size();
  if (channels > 1)
    for (int64_t extent : ArrayRef<int64_t>(stored.shape)
                              .drop_front(tensor.quantizedDimension() + 1))
      inner *= extent;
  for (int64_t i = 0, e = stored.numElements(); i < e; ++i) {
    int64_t c = i / inner % channels;
    int64_t zeroPoint =
        zeroPoints.empty() ? 0 : zeroPoints[zeroPoints.size() > 1 ? c : 0];
    result.set(i, (stored.get(i) - zeroPoint) * scales[c]);
  }
  return result;
}

/// Input 1, weights that the file knows, with their dimensions permuted.
static Value importWeights(NodeImporter &node, ArrayRef<int64_t> permutation) {
  auto known = node.constant(1);
  const Tensor &tensor = node.inputTensor(1);
  if (!known || known->shape.size() != permutation.size()) {
    node.emitError() << "expected known weights of " << permutation.size()
                     << " dimensions, but got " << toString(tensor.shape())
                     << (known ? "" : " that are computed at run time");
    return {};
  }
  Type element = elementTypeOf(tensor, node.getBuilder().getContext());
  HostTensor weights = transpose(*known, permutation);
  if (node.isQuantized() || !tensor.isQuantized())
    return node.constantTensor(std::move(weights),
                               permutedType(element, permutation));
  return node.constantTensor(transpose(dequantized(*known, tensor), permutation),
                             node.outputType());
}

/// An integer bias in 32 bits: int64, which goes with int16 activations, has
/// room that hardly any bias needs.
static std::optional<HostTensor> narrowed(NodeImporter &node, HostTensor bias) {
  if (bias.kind == ElementKind::I32)
    return bias;
  if (bias.kind != ElementKind::I64) {
    node.unsupported("a bias of " + nameOf(node.inputTensor(2).type()));
    return std::nullopt;
  }
  HostTensor result(ElementKind::I32, bias.shape);
  for (auto [to, from] : llvm::zip_equal(result.as<int32_t>(), bias.as<int64_t>())) {
    if (from < INT32_MIN || from > INT32_MAX) {
      node.unsupported("a bias of more than 32 bits, " + std::to_string(from) + ",");
      return std::nullopt;
    }
    to = static_cast<int32_t>(from);
  }
  return result;
}

/// Operands with the bias behind them, where there is one. Integer biases are
/// multiples of the product of the operands' scales, whatever the file calls
/// their scale.
static SmallVector<Value> withBias(NodeImporter &node, Value input,
                                   Value weights) {
  SmallVector<Value> operands{input, weights};
  if (!node.hasInput(2))
    return operands;
  auto known = node.constant(2);
  if (!known) {
    node.unsupported("a bias that is computed at run time");
    return {input, Value()};
  }
  Type element = Float32Type::get(node.getBuilder().getContext());
  if (node.isQuantized()) {
    known = narrowed(node, std::move(*known));
    if (!known)
      return {input, Value()};
    element = quant::UniformQuantizedType::get(
        quant::QuantizationFlags::Signed,
        IntegerType::get(element.getContext(), 32), element,
        double(node.inputTensor(0).scales()[0]) *
            double(node.inputTensor(1).scales()[0]),
        0, INT32_MIN, INT32_MAX);
  }
  operands.push_back(node.constantTensor(std::move(*known), element));
  return operands;
}

/// Both operands of a quantized contraction have scales.
static LogicalResult checkOperands(NodeImporter &node) {
  if (!node.isQuantized())
    return success();
  for (size_t i : {0, 1})
    if (!node.inputTensor(i).isQuantized())
      return node.emitError() << "expected quantized operands beside a "
                                 "quantized result, but got '"
                              << node.inputTensor(i).name() << "' of "
                              << nameOf(node.inputTensor(i).type());
  return success();
}

/// A convolution with a filter O×KH×KW×I.
static LogicalResult emitConv(NodeImporter &node, Value input, Value filter,
                              Window window, int64_t groups,
                              tflite::Activation activation) {
  if (!input || !filter)
    return failure();
  window.kernel = {shapeOf(filter)[1], shapeOf(filter)[2]};
  auto pads = padsOf(node, input, window);
  if (failed(pads))
    return failure();
  Value output = node.emit<qnn::Conv2DOp>(
      withBias(node, input, filter), node.outputType(),
      {node.attr("strides", window.strides), node.attr("pads", *pads),
       node.attr("dilations", window.dilations), node.attr("groups", groups)});
  return node.setOutput(node.activate(output, activation));
}

static LogicalResult convertConv(NodeImporter &node) {
  auto *options = node.options<tflite::Conv2DOptions>();
  Value input = node.input(0);
  if (!options || !input || failed(checkOperands(node)))
    return failure();
  Value filter = importWeights(node, {0, 1, 2, 3});
  if (!filter)
    return failure();
  int64_t channels = shapeOf(input).back(), own = shapeOf(filter)[3];
  if (own < 1 || channels % own != 0 || shapeOf(filter)[0] % (channels / own))
    return node.emitError() << "expected a filter for " << channels
                            << " channels, but got "
                            << toString(shapeOf(filter));
  Window window{{},
                {options->stride_h(), options->stride_w()},
                {options->dilation_h_factor(), options->dilation_w_factor()},
                options->padding()};
  return emitConv(node, input, filter, window, channels / own,
                  options->fused_activation_function());
}

static LogicalResult convertDepthwise(NodeImporter &node) {
  auto *options = node.options<tflite::DepthwiseConv2DOptions>();
  Value input = node.input(0);
  if (!options || !input || failed(checkOperands(node)))
    return failure();
  // The file has 1×KH×KW×O.
  Value filter = importWeights(node, {3, 1, 2, 0});
  if (!filter)
    return failure();
  int64_t channels = shapeOf(input).back();
  if (shapeOf(filter)[3] != 1 || shapeOf(filter)[0] % channels)
    return node.emitError() << "expected a filter for " << channels
                            << " channels, but got "
                            << toString(node.inputTensor(1).shape());
  Window window{{},
                {options->stride_h(), options->stride_w()},
                {options->dilation_h_factor(), options->dilation_w_factor()},
                options->padding()};
  return emitConv(node, input, filter, window, channels,
                  options->fused_activation_function());
}

static LogicalResult convertFullyConnected(NodeImporter &node) {
  auto *options = node.options<tflite::FullyConnectedOptions>();
  Value input = node.input(0);
  if (!options || !input || failed(checkOperands(node)))
    return failure();
  if (options->weights_format() != 0)
    return node.unsupported("a shuffled layout of weights");
  Value weights = importWeights(node, {1, 0});
  if (!weights)
    return failure();
  int64_t depth = shapeOf(weights)[0],
          count = ShapedType::getNumElements(shapeOf(input));
  if (count % depth)
    return node.emitError() << "expected rows of " << depth
                            << " elements, but got "
                            << toString(shapeOf(input));
  if (shapeOf(input).back() != depth || !options->keep_num_dims())
    input = node.reshape(input, {count / depth, depth});
  Value output = node.emit<qnn::MatmulOp>(withBias(node, input, weights),
                                          node.outputType());
  output = node.activate(output, options->fused_activation_function());
  return node.setOutput(node.reshape(output, node.outputTensor().shape()));
}

ArrayRef<OpEntry> contractionOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::CONV_2D, 2, 3, convertConv},
      {Op::DEPTHWISE_CONV_2D, 2, 3, convertDepthwise},
      {Op::FULLY_CONNECTED, 2, 3, convertFullyConnected},
  };
  return entries;
}

} // namespace dyadic::tflite_import
