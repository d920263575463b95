//===- Pooling.cpp - windows, reductions, softmax -------------------------===//
#include "OpRegistry.h"
#include "Window.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic::tflite_import {

template <typename PoolOp>
static LogicalResult convertPool(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::Pool2DOptions>(input);
  if (!options)
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
  Value input;
  auto *options = node.options<tflite::ReducerOptions>(input);
  if (!options)
    return failure();
  auto axes = axesOf(node, 1, shapeOf(input).size());
  if (failed(axes))
    return failure();
  return node.setOutput(node.emit<qnn::ReduceMeanOp>(
      input, node.outputType(),
      {node.attr("axes", *axes),
       node.boolAttr("keep_dims", options->keep_dims())}));
}

/// beta · x: of quantized values with another scale, which is multiplied as LiteRT
/// does it.
static Value multiplied(NodeImporter &node, Value x, float beta) {
  auto type = dyn_cast<quant::UniformQuantizedType>(elementOf(x));
  if (!type) {
    HostTensor factor(ElementKind::F32, {1});
    factor.set(0, beta);
    return node.emit<qnn::MulOp>(
        {x, node.constantTensor(std::move(factor), elementOf(x))}, elementOf(x));
  }
  double scale = type.getScale() * double{beta};
  if (type.getStorageTypeIntegralWidth() == 16)
    scale = static_cast<float>(type.getScale()) * beta;
  if (!(scale > 0) || !std::isnormal(static_cast<float>(scale))) {
    node.unsupported("beta " + std::to_string(beta));
    return {};
  }
  auto scaled = quant::UniformQuantizedType::get(
      type.getFlags(), type.getStorageType(), type.getExpressedType(), scale,
      type.getZeroPoint(), type.getStorageTypeMin(), type.getStorageTypeMax());
  auto tensor = cast<RankedTensorType>(x.getType()).clone(scaled);
  return qnn::StorageCastOp::create(node.getBuilder(), node.getLoc(), tensor,
                                    node.stored(x));
}

static LogicalResult convertSoftmax(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::SoftmaxOptions>(input);
  if (!options)
    return failure();
  int64_t rank = shapeOf(input).size();
  if (rank == 0)
    return node.unsupported("a softmax of one number");
  if (options->beta() != 1.0f) {
    input = multiplied(node, input, options->beta());
    if (!input)
      return failure();
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
