//===- Elementwise.cpp - functions of one and of two elements -------------===//
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

template <typename OpTy> static LogicalResult convertUnary(NodeImporter &node) {
  return node.setOutput(node.emit<OpTy>(node.input(0)));
}

static LogicalResult convertLeakyRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.01f);
  return node.setOutput(node.emit<qnn::LeakyReluOp>(
      node.input(0), node.floatAttr("alpha", alpha)));
}

static LogicalResult convertHardSigmoid(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.2f);
  float beta = node.getFloat("beta", 0.5f);
  return node.setOutput(node.emit<qnn::HardSigmoidOp>(
      node.input(0),
      {node.floatAttr("alpha", alpha), node.floatAttr("beta", beta)}));
}

static LogicalResult convertGelu(NodeImporter &node) {
  std::string form = node.getString("approximate", "none");
  if (form != "none")
    return node.unsupported("the approximation '" + form + "'");
  return convertUnary<qnn::GeluOp>(node);
}

static LogicalResult convertSwish(NodeImporter &node) {
  if (node.getFloat("alpha", 1) != 1)
    return node.unsupported("an alpha other than 1");
  return convertUnary<qnn::SwishOp>(node);
}

/// x where positive, slope·x elsewhere, with a slope per channel.
static LogicalResult convertPRelu(NodeImporter &node) {
  Value input = node.input(0);
  const HostTensor *slope = node.constant(1);
  if (slope && slope->numElements() == 1)
    return node.setOutput(node.emit<qnn::LeakyReluOp>(
        input, node.floatAttr("alpha", static_cast<float>(slope->get(0)))));
  Value zero = node.constantTensor({0.0f}, {});
  Value negative = node.emit<qnn::MinimumOp>({input, zero});
  return node.setOutput(node.emit<qnn::AddOp>(
      {node.emit<qnn::ReluOp>(input),
       node.emit<qnn::MulOp>({negative, node.input(1)})}));
}

static LogicalResult convertClip(NodeImporter &node) {
  constexpr float largest = std::numeric_limits<float>::max();
  float bounds[2] = {-largest, largest};
  if (node.getOpset() < 11) {
    bounds[0] = node.getFloat("min", bounds[0]);
    bounds[1] = node.getFloat("max", bounds[1]);
  } else {
    for (size_t i : {0, 1}) {
      if (!node.hasInput(i + 1))
        continue;
      auto bound = node.scalar(i + 1, "a bound");
      if (failed(bound))
        return failure();
      bounds[i] = *bound;
    }
  }
  if (std::isnan(bounds[0]) || std::isnan(bounds[1]))
    return node.emitError() << "a bound is not a number";
  auto [low, high] = std::make_pair(std::clamp(bounds[0], -largest, largest),
                                    std::clamp(bounds[1], -largest, largest));
  if (low == -largest && high == largest)
    return node.setOutput(node.input(0));
  if (low == 0 && high == largest)
    return node.setOutput(node.emit<qnn::ReluOp>(node.input(0)));
  // Where the bounds cross, the upper one wins.
  return node.setOutput(node.emit<qnn::ClampOp>(
      node.input(0), {node.floatAttr("min", std::min(low, high)),
                      node.floatAttr("max", high)}));
}

template <typename OpTy>
static LogicalResult convertBinary(NodeImporter &node) {
  return node.setOutput(node.emit<OpTy>({node.input(0), node.input(1)}));
}

/// x·y. Models make row numbers of zeros from their input times zero.
static LogicalResult convertMul(NodeImporter &node) {
  for (size_t i : {0, 1}) {
    const HostTensor *factor = node.constant(i);
    if (!factor || isFloat(factor->kind) ||
        llvm::any_of(toInts(*factor), [](int64_t x) { return x != 0; }))
      continue;
    Value other = node.anyInput(1 - i);
    if (!other)
      return failure();
    auto shape = broadcast(factor->shape, shapeOf(other));
    if (!shape)
      return node.emitError() << "shapes " << toString(factor->shape) << " and "
                              << toString(shapeOf(other)) << " don't broadcast";
    return node.setOutput(HostTensor(factor->kind, *shape));
  }
  return convertBinary<qnn::MulOp>(node);
}

/// Max, Min, Sum and Mean of any number of operands.
template <typename OpTy, bool isMean = false>
static LogicalResult convertNary(NodeImporter &node) {
  Value result = node.input(0);
  for (size_t i = 1; i < node.numInputs(); ++i)
    result = node.emit<OpTy>({result, node.input(i)});
  if (isMean)
    result = node.emit<qnn::MulOp>(
        {result, node.constantTensor({1.0f / node.numInputs()}, {})});
  return node.setOutput(result);
}

/// The exponents that are simpler ops become those; an exponent of any
/// numeric type is allowed, so it is read as a constant where it can be.
static LogicalResult convertPow(NodeImporter &node) {
  const HostTensor *exponent = node.constant(1);
  if (!exponent)
    return convertBinary<qnn::PowOp>(node);
  Value base = node.input(0);
  if (exponent->numElements() != 1 || exponent->shape.size() > 1)
    return node.setOutput(node.emit<qnn::PowOp>(
        {base, node.constantTensor(toFloats(*exponent), exponent->shape)}));
  double power = exponent->get(0);
  if (power == 1)
    return node.setOutput(base);
  if (power == 2)
    return node.setOutput(node.emit<qnn::MulOp>({base, base}));
  if (power == 0.5)
    return node.setOutput(node.emit<qnn::SqrtOp>(base));
  if (power == -1)
    return node.setOutput(node.emit<qnn::ReciprocalOp>(base));
  Value scalar = node.constantTensor({static_cast<float>(power)}, {});
  return node.setOutput(node.emit<qnn::PowOp>({base, scalar}));
}

ArrayRef<OpEntry> elementwiseOps() {
  static const OpEntry entries[] = {
      {"Relu", 1, 1, convertUnary<qnn::ReluOp>},
      {"Sigmoid", 1, 1, convertUnary<qnn::SigmoidOp>},
      {"Tanh", 1, 1, convertUnary<qnn::TanhOp>},
      {"HardSwish", 1, 1, convertUnary<qnn::HardSwishOp>, 14},
      {"Erf", 1, 1, convertUnary<qnn::ErfOp>, 9},
      {"Exp", 1, 1, convertUnary<qnn::ExpOp>},
      {"Log", 1, 1, convertUnary<qnn::LogOp>},
      {"Sqrt", 1, 1, convertUnary<qnn::SqrtOp>},
      {"Abs", 1, 1, convertUnary<qnn::AbsOp>},
      {"Neg", 1, 1, convertUnary<qnn::NegOp>},
      {"Reciprocal", 1, 1, convertUnary<qnn::ReciprocalOp>},
      {"LeakyRelu", 1, 1, convertLeakyRelu},
      {"HardSigmoid", 1, 1, convertHardSigmoid},
      {"Gelu", 1, 1, convertGelu, 20},
      {"Swish", 1, 1, convertSwish, 24},
      {"PRelu", 2, 2, convertPRelu},
      {"Clip", 1, 3, convertClip},
      {"Add", 2, 2, convertBinary<qnn::AddOp>},
      {"Sub", 2, 2, convertBinary<qnn::SubOp>},
      {"Mul", 2, 2, convertMul},
      {"Div", 2, 2, convertBinary<qnn::DivOp>},
      {"Pow", 2, 2, convertPow},
      {"Max", 1, 0, convertNary<qnn::MaximumOp>},
      {"Min", 1, 0, convertNary<qnn::MinimumOp>},
      {"Sum", 1, 0, convertNary<qnn::AddOp>},
      {"Mean", 1, 0, convertNary<qnn::AddOp, true>},
  };
  return entries;
}

} // namespace dyadic::onnx_import
