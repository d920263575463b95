//===- Contractions.cpp - convolutions and matrix products ----------------===//
#include "Contractions.h"
#include "OpRegistry.h"
#include "Window.h"

#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/StridedTensor.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::tflite_import {

Type permutedType(Type type, ArrayRef<int64_t> permutation) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  if (!perAxis)
    return type;
  auto at = llvm::find(permutation, perAxis.getQuantizedDimension());
  return quant::UniformQuantizedPerAxisType::get(
      perAxis.getFlags(), perAxis.getStorageType(), perAxis.getExpressedType(),
      perAxis.getScales(), perAxis.getZeroPoints(), at - permutation.begin(),
      perAxis.getStorageTypeMin(), perAxis.getStorageTypeMax());
}

HostTensor dequantized(const HostTensor &stored, const Tensor &tensor) {
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

std::optional<HostTensor> knownWeights(NodeImporter &node, size_t index,
                                       size_t dimensions) {
  auto known = node.constant(index);
  if (known && known->shape.size() == dimensions)
    return known;
  node.emitError() << "expected known weights of " << dimensions
                   << " dimensions, but got "
                   << toString(node.inputTensor(index).shape())
                   << (known ? "" : " that are computed at run time");
  return std::nullopt;
}

/// Input 1, weights that the file knows, with their dimensions permuted.
static Value importWeights(NodeImporter &node, ArrayRef<int64_t> permutation) {
  auto known = knownWeights(node, 1, permutation.size());
  if (!known)
    return {};
  const Tensor &tensor = node.inputTensor(1);
  Type element = elementTypeOf(tensor, node.getBuilder().getContext());
  if (node.isQuantized() || !tensor.isQuantized())
    return node.constantTensor(transpose(*known, permutation),
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

SmallVector<Value> withBias(NodeImporter &node, Value input, Value weights,
                            float inputScale, size_t index) {
  SmallVector<Value> operands{input, weights};
  if (!node.hasInput(index))
    return operands;
  auto known = node.constant(index);
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
        double(inputScale) * double(node.inputTensor(1).scales()[0]),
        0, INT32_MIN, INT32_MAX);
  }
  operands.push_back(node.constantTensor(std::move(*known), element));
  return operands;
}

LogicalResult checkOperands(NodeImporter &node, size_t lhs, size_t rhs) {
  if (!node.isQuantized())
    return success();
  for (size_t i : {lhs, rhs})
    if (!node.inputTensor(i).isQuantized())
      return node.emitError() << "expected quantized operands beside a "
                                 "quantized result, but got '"
                              << node.inputTensor(i).name() << "' of "
                              << nameOf(node.inputTensor(i).type());
  return success();
}

/// The scale of a quantized input; 1 for others.
static float scaleOf(const Tensor &tensor) {
  return tensor.isQuantized() ? tensor.scales()[0] : 1;
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
      withBias(node, input, filter, scaleOf(node.inputTensor(0)), 2),
      node.outputType(),
      {node.attr("strides", window.strides), node.attr("pads", *pads),
       node.attr("dilations", window.dilations), node.attr("groups", groups)});
  return node.setOutput(node.activate(output, activation));
}

static LogicalResult convertConv(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::Conv2DOptions>(input);
  if (!options || failed(checkOperands(node)))
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
  Value input;
  auto *options = node.options<tflite::DepthwiseConv2DOptions>(input);
  if (!options || failed(checkOperands(node)))
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

/// A constant filter with its rows and columns in the reverse order.
static Value turned(NodeImporter &node, Value filter) {
  auto constant = filter.getDefiningOp<qnn::ConstantOp>();
  FailureOr<HostTensor> stored = readConstant(constant.getValue());
  HostTensor result(stored->kind, stored->shape);
  ArrayRef<int64_t> shape = stored->shape;
  int64_t area = shape[1] * shape[2], channels = shape[3];
  for (int64_t i = 0, e = stored->numElements(); i < e; ++i) {
    int64_t pixel = i / channels, place = pixel % area;
    int64_t mirrored = pixel - place + (area - 1 - place);
    result.set(mirrored * channels + i % channels, stored->get(i));
  }
  return node.constantTensor(std::move(result), elementOf(filter));
}

/// A convolution of the input with zeros between its pixels, by the filter turned
/// around.
static LogicalResult convertTransposeConv(NodeImporter &node) {
  auto *options = node.options<tflite::TransposeConvOptions>();
  Value input = node.input(2);
  if (!options || !input || failed(checkOperands(node, 2, 1)))
    return failure();
  Value filter = importWeights(node, {0, 1, 2, 3});
  if (!filter)
    return failure();
  Shape from(shapeOf(input)), to = node.outputTensor().shape(),
      kernel(shapeOf(filter)), strides{options->stride_h(), options->stride_w()};
  if (from.size() != 4 || to.size() != 4 || kernel[3] != from[3] ||
      strides[0] < 1 || strides[1] < 1 || strides[0] > 4096 || strides[1] > 4096)
    return node.emitError() << "expected an image of 4 dimensions, a filter for "
                               "its channels and strides of at least 1, but got "
                            << toString(from) << ", " << toString(kernel) << " and "
                            << toString(strides);
  // N×H×W×C  →  N×H×1×W×1×C  →  N×H×s×W×s×C  →  N×Hs×Ws×C
  auto pad = [&](Value value, Shape low, Shape high) -> Value {
    if (!value || (llvm::all_of(low, [](int64_t p) { return p == 0; }) &&
                   llvm::all_of(high, [](int64_t p) { return p == 0; })))
      return value;
    return node.emit<qnn::PadOp>(value, elementOf(value),
                                 {node.attr("low", low), node.attr("high", high),
                                  node.floatAttr("value", 0)});
  };
  Value parted = node.reshape(input, {from[0], from[1], 1, from[2], 1, from[3]});
  parted = pad(parted, Shape(6, 0), {0, 0, strides[0] - 1, 0, strides[1] - 1, 0});
  Value spread = node.reshape(
      parted, {from[0], from[1] * strides[0], from[2] * strides[1], from[3]});
  Shape low(4, 0), high(4, 0), sizes(4);
  sizes[0] = from[0], sizes[3] = from[3];
  for (size_t i = 1; i <= 2; ++i) {
    int64_t reach = kernel[i], stride = strides[i - 1];
    int64_t whole = (from[i] - 1) * stride + reach;
    int64_t cut = options->padding() == tflite::Padding::SAME
                      ? std::max<int64_t>(whole - to[i], 0) / 2
                      : 0;
    low[i] = reach - 1 - cut;
    high[i] = to[i] + reach - 1 - low[i] - from[i] * stride;
    sizes[i] = from[i] * stride + std::min<int64_t>(high[i], 0);
    high[i] = std::max<int64_t>(high[i], 0);
    if (low[i] < 0 || sizes[i] < 1 || to[i] < 1)
      return node.unsupported("a result of " + toString(to) + " of an image of " +
                              toString(from));
  }
  if (spread && ArrayRef<int64_t>(sizes) != shapeOf(spread))
    spread = node.emit<qnn::SliceOp>(
        spread, elementOf(spread),
        {node.attr("offsets", Shape(4, 0)), node.attr("sizes", sizes),
         node.attr("strides", Shape(4, 1))});
  spread = pad(spread, low, high);
  Value output = node.emit<qnn::Conv2DOp>(
      withBias(node, spread, turned(node, filter), scaleOf(node.inputTensor(2)), 3),
      node.outputType(),
      {node.attr("strides", {1, 1}), node.attr("pads", {0, 0, 0, 0}),
       node.attr("dilations", {1, 1}), node.attr("groups", int64_t{1})});
  return node.setOutput(
      node.activate(output, options->fused_activation_function()));
}

static LogicalResult convertFullyConnected(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::FullyConnectedOptions>(input);
  if (!options || failed(checkOperands(node)))
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
  Value output = node.emit<qnn::MatmulOp>(
      withBias(node, input, weights, scaleOf(node.inputTensor(0)), 2),
      node.outputType());
  output = node.activate(output, options->fused_activation_function());
  return node.setOutput(node.reshape(output, node.outputTensor().shape()));
}

/// A product of two tensors, of which either may have its last dimensions swapped.
static LogicalResult convertBatchMatMul(NodeImporter &node) {
  auto *options = node.options<tflite::BatchMatMulOptions>();
  Value lhs = node.input(0), rhs = node.input(1);
  if (!options || !lhs || !rhs || failed(checkOperands(node)))
    return failure();
  if (node.isQuantized() && node.outputTensor().type() != tflite::TensorType::INT8)
    return node.unsupported("a quantized result of " +
                            nameOf(node.outputTensor().type()));
  if (node.isQuantized() && rhs.getDefiningOp<qnn::ConstantOp>())
    return node.unsupported("a quantized right operand that is known");
  auto swapped = [&](Value value, bool swaps) -> Value {
    if (!swaps)
      return value;
    auto order = llvm::to_vector(
        llvm::seq<int64_t>(0, shapeOf(value).size()));
    if (order.size() < 2) {
      node.emitError() << "expected matrices, but got " << toString(shapeOf(value));
      return {};
    }
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return node.transpose(value, order);
  };
  return node.setOutput(node.emit<qnn::MatmulOp>(
      {swapped(lhs, options->adj_x()), swapped(rhs, options->adj_y())},
      node.outputType()));
}

ArrayRef<OpEntry> contractionOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::CONV_2D, 2, 3, convertConv},
      {Op::DEPTHWISE_CONV_2D, 2, 3, convertDepthwise},
      {Op::FULLY_CONNECTED, 2, 3, convertFullyConnected},
      {Op::TRANSPOSE_CONV, 3, 4, convertTransposeConv},
      {Op::BATCH_MATMUL, 2, 2, convertBatchMatMul},
  };
  return entries;
}

} // namespace dyadic::tflite_import
