//===- Pooling.cpp - windows, reductions, softmax -------------------------===//
#include "OpRegistry.h"
#include "Window.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::tflite_import {

template <typename PoolOp>
static LogicalResult convertPool(NodeImporter &node) {
  auto *options = node.options<tflite::Pool2DOptions>();
  Value input = node.input(0);
  if (!options || !input)
    return failure();
  Window window{{options->filter_height(), options->filter_width()},
                {options->stride_h(), options->stride_w()},
                {1, 1},
                options->padding()};
  auto pads = padsOf(node, input, window);
  if (failed(pads))
    return failure();
  Value output = node.emit<PoolOp>(
      input, node.outputType(),
      {node.attr("kernel", window.kernel), node.attr("strides", window.strides),
       node.attr("pads", *pads)});
  return node.setOutput(
      node.activate(output, options->fused_activation_function()));
}

/// Axes in order, each once, counted from the front.
static FailureOr<Shape> axesOf(NodeImporter &node, size_t index, int64_t rank) {
  auto axes = node.integers(index, "axes");
  if (failed(axes))
    return failure();
  for (int64_t &axis : *axes) {
    auto found = node.axis(axis, rank);
    if (failed(found))
      return failure();
    axis = *found;
  }
  llvm::sort(*axes);
  axes->erase(llvm::unique(*axes), axes->end());
  return axes;
}

static LogicalResult convertMean(NodeImporter &node) {
  auto *options = node.options<tflite::ReducerOptions>();
  Value input = node.input(0);
  if (!options || !input)
    return failure();
  auto axes = axesOf(node, 1, shapeOf(input).size());
  if (failed(axes))
    return failure();
  return node.setOutput(node.emit<qnn::ReduceMeanOp>(
      input, node.outputType(),
      {node.attr("axes", *axes),
       node.boolAttr("keep_dims", options->keep_dims())}));
}

static LogicalResult convertSoftmax(NodeImporter &node) {
  auto *options = node.options<tflite::SoftmaxOptions>();
  Value input = node.input(0);
  if (!options || !input)
    return failure();
  int64_t rank = shapeOf(input).size();
  if (rank == 0)
    return node.unsupported("a softmax of one number");
  if (options->beta() != 1.0f) {
    if (node.isQuantized())
      return node.unsupported("a softmax of quantized values with beta " +
                              std::to_string(options->beta()));
    HostTensor beta(ElementKind::F32, {1});
    beta.set(0, options->beta());
    input = node.emit<qnn::MulOp>(
        {input, node.constantTensor(std::move(beta), node.outputType())},
        node.outputType());
  }
  return node.setOutput(node.emit<qnn::SoftmaxOp>(
      input, node.outputType(), node.attr("axis", rank - 1)));
}

ArrayRef<OpEntry> poolingOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::AVERAGE_POOL_2D, 1, 1, convertPool<qnn::AvgPool2DOp>},
      {Op::MAX_POOL_2D, 1, 1, convertPool<qnn::MaxPool2DOp>},
      {Op::MEAN, 2, 2, convertMean},
      {Op::SOFTMAX, 1, 1, convertSoftmax},
  };
  return entries;
}

} // namespace dyadic::tflite_import
