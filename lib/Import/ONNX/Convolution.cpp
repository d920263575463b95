//===- Convolution.cpp - Conv ---------------------------------------------===//
#include "OpRegistry.h"
#include "Window.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// The filter O×I×KH×KW (or O×I×K) as O×KH×KW×I.
static Value importFilter(NodeImporter &node) {
  const HostTensor *known = node.constant(1);
  if (!known || known->kind != ElementKind::F32 || node.isQuantizedConstant(1))
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

ArrayRef<OpEntry> convolutionOps() {
  static const OpEntry entries[] = {
      {"Conv", 2, 3, convertConv},
  };
  return entries;
}

} // namespace dyadic::onnx_import
