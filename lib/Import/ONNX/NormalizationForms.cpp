//===- NormalizationForms.cpp - normalizations made of simpler ops --------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// The mean over `axes`, which stay as extents of one.
static Value mean(NodeImporter &node, Value value, ArrayRef<int64_t> axes) {
  return node.emit<qnn::ReduceMeanOp>(
      value, {node.attr("axes", axes), node.boolAttr("keep_dims", true)});
}

static Value square(NodeImporter &node, Value value) {
  return node.emit<qnn::MulOp>({value, value});
}

static Value plus(NodeImporter &node, Value value, float number) {
  return node.emit<qnn::AddOp>({value, node.constantTensor({number}, {})});
}

/// (x − mean) / √(variance + ε) over each row of a matrix.
static Value normalizeRows(NodeImporter &node, Value rows, float epsilon) {
  if (!rows)
    return {};
  int64_t length = shapeOf(rows).back();
  return node.emit<qnn::LayerNormOp>(
      {rows, node.filledTensor(length, 1), node.filledTensor(length, 0)},
      node.floatAttr("epsilon", epsilon));
}

/// x·scale + bias with parameters per channel (or per group of channels).
static Value scaleChannels(NodeImporter &node, Value value) {
  for (size_t i : {1, 2}) {
    Value parameter = node.input(i);
    if (!value || !parameter)
      return {};
    int64_t channels = shapeOf(value)[1];
    Shape shape(shapeOf(value).size() - 1, 1);
    shape[0] = channels;
    if (shapeOf(parameter) != ArrayRef<int64_t>(channels)) {
      node.emitError() << "expected input " << i << " of " << channels
                       << " elements, but got " << toString(shapeOf(parameter));
      return {};
    }
    parameter = node.reshape(parameter, shape);
    value = i == 1 ? node.emit<qnn::MulOp>({value, parameter})
                   : node.emit<qnn::AddOp>({value, parameter});
  }
  return value;
}

/// Every channel of every image by its own statistics.
static LogicalResult convertInstanceNormalization(NodeImporter &node) {
  Value input = node.input(0);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  if (shape.size() < 3)
    return node.emitError() << "expected an image, but got " << toString(shape);
  int64_t pixels = *countElements(ArrayRef<int64_t>(shape).drop_front(2));
  Value rows = node.reshape(input, {shape[0], shape[1], pixels});
  Value output = node.reshape(normalizeRows(node, rows, epsilon), shape);
  return node.setOutput(scaleChannels(node, output));
}

/// Groups of channels of an image by their common statistics.
static LogicalResult convertGroupNormalization(NodeImporter &node) {
  Value input = node.input(0);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  int64_t groups = node.getInt("num_groups", 0);
  node.ignore("stash_type");
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  if (shape.size() < 3 || groups < 1 || shape[1] % groups)
    return node.emitError() << "expected " << groups
                            << " groups of channels, but got " << toString(shape);
  int64_t elements = *countElements(ArrayRef<int64_t>(shape).drop_front());
  Value rows = node.reshape(input, {shape[0], groups, elements / groups});
  Value output = normalizeRows(node, rows, epsilon);
  if (node.getOpset() < 21) // parameters per group
    return node.setOutput(node.reshape(scaleChannels(node, output), shape));
  return node.setOutput(scaleChannels(node, node.reshape(output, shape)));
}

/// x / √(mean of x² + ε) · scale over the dimensions from an axis on, which are merged
/// into one.
static LogicalResult convertRMSNormalization(NodeImporter &node) {
  Value input = node.input(0), scale = node.input(1);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  node.ignore("stash_type");
  int64_t axis = node.getInt("axis", -1);
  if (!input || !scale)
    return failure();
  auto resolved = resolveAxis(node, axis, shapeOf(input).size());
  if (failed(resolved))
    return failure();
  Shape shape(shapeOf(input)), merged(ArrayRef<int64_t>(shape).take_front(*resolved));
  int64_t count = *countElements(ArrayRef<int64_t>(shape).drop_front(*resolved));
  merged.push_back(count);
  Value rows = node.reshape(input, merged);
  if (!rows)
    return failure();
  // A scale that broadcasts is multiplied with behind it.
  bool isVector = countElements(shapeOf(scale)) == count;
  Value output = node.emit<qnn::LayerNormOp>(
      {rows, isVector ? node.reshape(scale, {count}) : node.filledTensor(count, 1),
       node.filledTensor(count, 0)},
      {node.floatAttr("epsilon", epsilon), node.boolAttr("centered", false)});
  output = node.reshape(output, shape);
  return node.setOutput(isVector ? output : node.emit<qnn::MulOp>({output, scale}));
}

/// (x − mean) / (√(mean of x² − mean²) + ε)
static LogicalResult convertMeanVarianceNormalization(NodeImporter &node) {
  Value input = node.input(0);
  Shape axes = node.getInts("axes", {0, 2, 3});
  if (!input)
    return failure();
  auto resolved = resolveAxes(node, axes, shapeOf(input).size());
  if (failed(resolved))
    return failure();
  Value centered =
      node.emit<qnn::SubOp>({input, mean(node, input, *resolved)});
  Value deviation =
      node.emit<qnn::SqrtOp>(mean(node, square(node, centered), *resolved));
  return node.setOutput(
      node.emit<qnn::DivOp>({centered, plus(node, deviation, 1e-9f)}));
}

/// x / (bias + alpha/size · Σ x² over neighbouring channels)^beta
static LogicalResult convertLRN(NodeImporter &node) {
  Value input = node.input(0);
  int64_t size = node.getInt("size", 0);
  double alpha = node.getFloat("alpha", 1e-4f), beta = node.getFloat("beta", 0.75f),
         bias = node.getFloat("bias", 1);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  if (shape.size() < 2 || size < 1 || size > 1 << 16)
    return node.emitError() << "expected channels and a size, but got "
                            << toString(shape) << " and " << size;
  return node.setOutput(emitFormula(
      node, shape, node.getBuilder().getF32Type(), input,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar sum = f.sum(size, f.real(0), [&](const Formula &f, ArrayRef<Scalar> i) {
          SmallVector<Scalar> from(at);
          from[1] = at[1] + i[0] - double((size - 1) / 2);
          Scalar x = f.readOr(tensors[0], from, f.real(0));
          return x * x;
        });
        Scalar base = sum * (alpha / double(size)) + bias;
        return f.read(tensors[0], at) / powOf(base, base.like(beta));
      }));
}

/// Swish(a) · b
static LogicalResult convertSwiGLU(NodeImporter &node) {
  Value gate = node.input(0), value = node.input(1);
  float alpha = node.getFloat("alpha", 1);
  Value scaled = alpha == 1 ? gate
                            : node.emit<qnn::MulOp>(
                                  {gate, node.constantTensor({alpha}, {})});
  Value open = alpha == 1 ? node.emit<qnn::SwishOp>(gate)
                          : node.emit<qnn::MulOp>(
                                {gate, node.emit<qnn::SigmoidOp>(scaled)});
  return node.setOutput(node.emit<qnn::MulOp>({open, value}));
}

ArrayRef<OpEntry> normalizationForms() {
  static const OpEntry entries[] = {
      {"InstanceNormalization", 3, 3, convertInstanceNormalization},
      {"GroupNormalization", 3, 3, convertGroupNormalization, 18},
      {"RMSNormalization", 2, 2, convertRMSNormalization, 23},
      {"MeanVarianceNormalization", 1, 1, convertMeanVarianceNormalization, 9},
      {"LRN", 1, 1, convertLRN},
      {"SwiGLU", 2, 2, convertSwiGLU},
  };
  return entries;
}

} // namespace dyadic::onnx_import
