//===- Convolution.cpp - Conv and ConvTranspose ---------------------------===//
#include "OpRegistry.h"
#include "Window.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// The filter O×I×KH×KW (or O×I×K) as O×KH×KW×I.
static Value importFilter(NodeImporter &node) {
  const HostTensor *known = node.constant(1);
  if (!known || known->kind != ElementKind::F32)
    return imageToChannelsLast(node, node.input(1));
  HostTensor filter = *known;
  if (filter.shape.size() == 3)
    filter.shape.insert(filter.shape.begin() + 2, 1);
  return node.constantTensor(transpose(filter, {0, 2, 3, 1}));
}

static FailureOr<Shape> filterShape(NodeImporter &node, size_t rank) {
  Shape shape;
  if (const HostTensor *known = node.constant(1))
    shape = known->shape;
  else if (Value filter = node.input(1))
    shape = Shape(shapeOf(filter));
  else
    return failure();
  if (shape.size() != rank)
    return node.emitError() << "expected a filter of " << rank
                            << " dimensions, but got " << toString(shape);
  return shape;
}

static LogicalResult convertConv(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  auto filter = filterShape(node, shape.size());
  if (failed(filter))
    return failure();
  auto window =
      resolveWindow(node, shape, ArrayRef<int64_t>(*filter).drop_front(2));
  if (failed(window))
    return failure();
  int64_t groups = node.getInt("group", 1);
  if (groups < 1 || (*filter)[1] > shape[1] / groups ||
      (*filter)[1] * groups != shape[1] || (*filter)[0] % groups != 0)
    return node.emitError()
           << "expected a filter for " << shape[1] << " channels in " << groups
           << " groups, but got " << toString(*filter);
  SmallVector<Value> operands{imageToChannelsLast(node, input),
                              importFilter(node)};
  if (node.hasInput(2))
    operands.push_back(node.input(2));
  Value output = node.emit<qnn::Conv2DOp>(
      operands,
      {node.attr("strides", window->strides), node.attr("pads", window->pads),
       node.attr("dilations", window->dilations), node.attr("groups", groups)});
  return node.setOutput(imageToChannelsFirst(node, output, shape.size()));
}

/// A transposed convolution whose windows tile the output: every input pixel
/// becomes a block of KH×KW pixels of its own. That is a 1×1 convolution to
/// KH·KW·O channels, whose result is then cut into blocks.
static LogicalResult convertConvTranspose(NodeImporter &node) {
  Value input = node.input(0);
  const HostTensor *weights = node.constant(1);
  if (!input)
    return failure();
  if (!weights || weights->kind != ElementKind::F32)
    return node.unsupported("a filter that is not a float32 constant");
  ArrayRef<int64_t> shape = shapeOf(input), filter = weights->shape;
  if (shape.size() != 4 || filter.size() != 4)
    return node.unsupported("an input of " + std::to_string(shape.size()) +
                            " dimensions");
  auto window = resolveWindow(node, shape, filter.drop_front(2));
  if (failed(window))
    return failure();
  Shape zeros(4, 0), ones(2, 1);
  bool tiles = window->strides == window->kernel && window->dilations == ones &&
               window->pads == zeros && node.getInt("group", 1) == 1 &&
               node.getInts("output_padding", {0, 0}) == Shape(2, 0);
  int64_t kh = filter[2], kw = filter[3], outputs = filter[1];
  int64_t n = shape[0], h = shape[2], w = shape[3];
  tiles &=
      node.getInts("output_shape", {h * kh, w * kw}) == Shape{h * kh, w * kw};
  if (!tiles)
    return node.unsupported("a transposed convolution whose stride is not its "
                            "kernel (or with padding, dilation or groups)");
  if (filter[0] != shape[1])
    return node.emitError() << "expected a filter for " << shape[1]
                            << " channels, but got " << toString(filter);

  // I×O×KH×KW → KH×KW×O×I, read as (KH·KW·O)×1×1×I.
  HostTensor flat = transpose(*weights, {2, 3, 1, 0});
  flat.shape = {kh * kw * outputs, 1, 1, shape[1]};
  SmallVector<Value> operands{node.toChannelsLast(input),
                              node.constantTensor(std::move(flat))};
  if (const HostTensor *bias = node.constant(2)) {
    if (bias->shape != Shape{outputs} || bias->kind != ElementKind::F32)
      return node.emitError() << "expected a bias of " << outputs
                              << " elements, but got " << describe(*bias);
    Shape strides{0, 1};
    HostTensor repeated = copyStrided(*bias, {kh * kw, outputs}, strides);
    repeated.shape = {kh * kw * outputs};
    operands.push_back(node.constantTensor(std::move(repeated)));
  } else if (node.hasInput(2)) {
    return node.unsupported("a bias that is computed at run time");
  }
  Value blocks = node.emit<qnn::Conv2DOp>(operands);
  blocks = node.reshape(blocks, {n, h, w, kh, kw, outputs});
  blocks = node.transpose(blocks, {0, 1, 3, 2, 4, 5});
  blocks = node.reshape(blocks, {n, h * kh, w * kw, outputs});
  return node.setOutput(node.toChannelsFirst(blocks));
}

ArrayRef<OpEntry> convolutionOps() {
  static const OpEntry entries[] = {
      {"Conv", 2, 3, convertConv},
      {"ConvTranspose", 2, 3, convertConvTranspose},
  };
  return entries;
}

} // namespace dyadic::onnx_import
