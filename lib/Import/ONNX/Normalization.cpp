//===- Normalization.cpp - batch and layer norm, softmax, dropout ---------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {

/// At inference a batch norm is a factor and an addend per channel. Both are
/// computed in double precision and rounded once.
static LogicalResult convertBatchNormalization(NodeImporter &node) {
  Value input = node.input(0);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  node.ignore("momentum");
  if (node.getOpset() < 7 && node.getInt("is_test", 0) == 0)
    return node.unsupported("training mode");
  if (node.getInt("training_mode", 0) != 0)
    return node.unsupported("training mode");
  if (node.getInt("spatial", 1) != 1)
    return node.unsupported("statistics per element");
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() < 2)
    return node.emitError()
           << "expected an input with channels, but got " << toString(shape);
  int64_t channels = shape[1];
  const HostTensor *parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    parameters[i] = node.constant(i + 1);
    if (!parameters[i])
      return node.mustBeKnown(i + 1, "input " + Twine(i + 1));
    if (parameters[i]->shape != Shape{channels} ||
        !isFloat(parameters[i]->kind))
      return node.emitError()
             << "expected input " << i + 1 << " to be " << channels
             << "xfloat32, but got " << describe(*parameters[i]);
  }
  auto [scale, bias, mean, variance] =
      std::tie(parameters[0], parameters[1], parameters[2], parameters[3]);
  SmallVector<float> factors, addends;
  for (int64_t c = 0; c < channels; ++c) {
    double factor = scale->get(c) /
                    std::sqrt(variance->get(c) + static_cast<double>(epsilon));
    factors.push_back(static_cast<float>(factor));
    addends.push_back(static_cast<float>(bias->get(c) - mean->get(c) * factor));
  }
  Shape perChannel(shape.size() - 1, 1);
  perChannel[0] = channels;
  Value scaled =
      node.emit<qnn::MulOp>({input, node.constantTensor(factors, perChannel)});
  return node.setOutput(node.emit<qnn::AddOp>(
      {scaled, node.constantTensor(addends, perChannel)}));
}

/// A parameter of the normalized dimensions as a vector, `fill` if absent.
static Value parameterVector(NodeImporter &node, size_t index, float fill,
                             ArrayRef<int64_t> shape) {
  int64_t count = *countElements(shape);
  if (!node.hasInput(index))
    return node.filledTensor(count, fill);
  Value value = node.input(index);
  if (value && countElements(shapeOf(value)) != count) {
    node.emitError() << "expected input " << index << " of shape "
                     << toString(shape) << ", but got "
                     << toString(shapeOf(value));
    return {};
  }
  return node.reshape(value, {count});
}

/// The mean and 1 / √(variance + ε) as outputs 1 and 2, where they are read.
static LogicalResult setStatistics(NodeImporter &node, Value input,
                                   ArrayRef<int64_t> merged, int64_t axis,
                                   float epsilon) {
  if (!node.isUsed(1) && !node.isUsed(2))
    return success();
  Shape shape(shapeOf(input).size(), 1);
  std::copy_n(merged.begin(), axis, shape.begin());
  auto mean = [&](Value value) {
    return node.emit<qnn::ReduceMeanOp>(
        value, {node.attr("axes", Shape{axis}), node.boolAttr("keep_dims", true)});
  };
  Value rows = node.reshape(input, merged), center = mean(rows);
  Value distance = node.emit<qnn::SubOp>({rows, center});
  Value variance = mean(node.emit<qnn::MulOp>({distance, distance}));
  Value deviation = node.emit<qnn::SqrtOp>(node.emit<qnn::AddOp>(
      {variance, node.constantTensor({epsilon}, {})}));
  Value inverse =
      node.emit<qnn::DivOp>({node.constantTensor({1.0f}, {}), deviation});
  if (failed(node.setOutput(1, node.reshape(center, shape))))
    return failure();
  return node.setOutput(2, node.reshape(inverse, shape));
}

static LogicalResult convertLayerNormalization(NodeImporter &node) {
  Value input = node.input(0);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  node.ignore("stash_type"); // the precision of the statistics: always float32
  int64_t axis = node.getInt("axis", -1);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  auto resolved = resolveAxis(node, axis, shape.size());
  if (failed(resolved))
    return failure();
  // The normalized dimensions are merged into one.
  ArrayRef<int64_t> normalized = ArrayRef<int64_t>(shape).drop_front(*resolved);
  Shape merged(ArrayRef<int64_t>(shape).take_front(*resolved));
  merged.push_back(*countElements(normalized));
  Value output = node.emit<qnn::LayerNormOp>(
      {node.reshape(input, merged), parameterVector(node, 1, 1, normalized),
       parameterVector(node, 2, 0, normalized)},
      node.floatAttr("epsilon", epsilon));
  if (failed(setStatistics(node, input, merged, *resolved, epsilon)))
    return failure();
  return node.setOutput(node.reshape(output, shape));
}

static LogicalResult convertSoftmax(NodeImporter &node) {
  Value input = node.input(0);
  bool flattens = node.getOpset() < 13;
  int64_t axis = node.getInt("axis", flattens ? 1 : -1);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  int64_t rank = shape.size();
  auto resolved = resolveAxis(node, axis, rank);
  if (failed(resolved))
    return failure();
  auto softmax = [&](Value value, int64_t along) {
    return node.emit<qnn::SoftmaxOp>(value, node.attr("axis", along));
  };
  ArrayRef<int64_t> behind = ArrayRef<int64_t>(shape).drop_front(*resolved + 1);
  if (!flattens || llvm::all_of(behind, [](int64_t n) { return n == 1; }))
    return node.setOutput(softmax(input, *resolved));
  // It ran over all dimensions from the axis on, taken as one.
  Shape matrix{*countElements(ArrayRef<int64_t>(shape).take_front(*resolved)),
               *countElements(ArrayRef<int64_t>(shape).drop_front(*resolved))};
  return node.setOutput(
      node.reshape(softmax(node.reshape(input, matrix), 1), shape));
}

static LogicalResult convertDropout(NodeImporter &node) {
  node.ignore("ratio");
  node.ignore("seed");
  node.ignore("is_test");
  if (node.hasInput(2)) {
    auto training = node.scalar(2, "training_mode");
    if (failed(training))
      return failure();
    if (*training != 0)
      return node.unsupported("training mode");
  }
  Value input = node.input(0);
  if (!input)
    return failure();
  if (node.isUsed(1)) {
    // Nothing is dropped. Before opset 10 the mask has the data's type.
    bool isBool = node.getOpset() >= 10;
    HostTensor mask(isBool ? ElementKind::Bool : ElementKind::F32, shapeOf(input));
    for (int64_t i = 0, e = mask.numElements(); i < e; ++i)
      mask.set(i, 1);
    if (failed(node.setOutput(1, node.copied(node.constantTensor(std::move(mask))))))
      return failure();
  }
  return node.setOutput(input);
}

ArrayRef<OpEntry> normalizationOps() {
  static const OpEntry entries[] = {
      {"BatchNormalization", 5, 5, convertBatchNormalization},
      {"LayerNormalization", 2, 3, convertLayerNormalization, 17},
      {"Softmax", 1, 1, convertSoftmax},
      {"Dropout", 1, 3, convertDropout},
  };
  return entries;
}

} // namespace dyadic::onnx_import
