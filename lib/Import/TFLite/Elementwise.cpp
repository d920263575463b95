//===- Elementwise.cpp - functions of one and two elements ----------------===//
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include <cmath>

using namespace mlir;

namespace dyadic::tflite_import {

template <typename Op> static LogicalResult convertUnary(NodeImporter &node) {
  return node.setOutput(node.emit<Op>(node.input(0), node.outputType()));
}

/// Whether the result is of integers that stand for themselves.
static bool isInteger(NodeImporter &node) {
  return !node.isQuantized() && isa<IntegerType>(node.outputType());
}

/// The activation that an operator's options name.
template <typename Options>
static FailureOr<tflite::Activation> activationOf(NodeImporter &node) {
  if (auto *options = node.options<Options>())
    return options->fused_activation_function();
  return failure();
}

template <typename Op, typename Options>
static LogicalResult convertArithmetic(NodeImporter &node) {
  auto activation = activationOf<Options>(node);
  if (failed(activation))
    return failure();
  if (isInteger(node)) {
    if (*activation != tflite::Activation::NONE)
      return node.unsupported("an activation of integers");
    return convertNumbers(node);
  }
  Value output =
      node.emit<Op>({node.input(0), node.input(1)}, node.outputType());
  return node.setOutput(node.activate(output, *activation));
}

/// x ± y. With scales that are powers of two LiteRT adds 16-bit numbers in another
/// way, if the file lets it.
template <typename Op, typename Options>
static LogicalResult convertSum(NodeImporter &node) {
  auto *options = node.options<Options>();
  if (!options)
    return failure();
  auto isPower = [](const Tensor &tensor) {
    int exponent;
    return tensor.isQuantized() &&
           std::frexp(tensor.scales()[0], &exponent) == 0.5f;
  };
  if (options->pot_scale_int16() &&
      node.outputTensor().type() == tflite::TensorType::INT16 &&
      isPower(node.inputTensor(0)) && isPower(node.inputTensor(1)) &&
      isPower(node.outputTensor()))
    return node.unsupported("pot_scale_int16 with scales that are powers of two");
  return convertArithmetic<Op, Options>(node);
}

template <typename Op> static LogicalResult convertBinary(NodeImporter &node) {
  if (isInteger(node))
    return convertNumbers(node);
  return node.setOutput(
      node.emit<Op>({node.input(0), node.input(1)}, node.outputType()));
}

/// A clamp whose result may have a type of its own.
static LogicalResult convertClamp(NodeImporter &node, float min, float max) {
  return node.setOutput(node.emit<qnn::ClampOp>(
      node.input(0), node.outputType(),
      {node.floatAttr("min", min), node.floatAttr("max", max)}));
}

static LogicalResult convertLeakyRelu(NodeImporter &node) {
  auto *options = node.options<tflite::LeakyReluOptions>();
  if (!options)
    return failure();
  return node.setOutput(
      node.emit<qnn::LeakyReluOp>(node.input(0), node.outputType(),
                                  node.floatAttr("alpha", options->alpha())));
}

/// x where it isn't negative, else alpha · x.
static LogicalResult convertParametricRelu(NodeImporter &node) {
  Value input = node.input(0), alpha = node.input(1);
  if (!input || !alpha)
    return failure();
  auto x = dyn_cast<quant::UniformQuantizedType>(elementOf(input)),
       a = dyn_cast<quant::UniformQuantizedType>(elementOf(alpha)),
       y = dyn_cast<quant::UniformQuantizedType>(node.outputType());
  if (!y)
    return convertNumbers(node);
  if (!x || !a || y.getStorageTypeIntegralWidth() != 8)
    return node.unsupported("operands and a result of different kinds");
  auto shape = node.broadcast({input, alpha});
  double in = x.getScale(), slope = a.getScale(), out = y.getScale();
  auto same = litert::quantizeMultiplier(in / out),
       scaled = litert::quantizeMultiplier(in * slope / out);
  if (failed(shape) || !same || !scaled)
    return failed(shape) ? failure()
                         : LogicalResult(node.emitError()
                                         << "expected operands of at most 2^31 "
                                            "times the result's scale");
  Value stored[] = {node.stored(input), node.stored(alpha)};
  auto type = cast<RankedTensorType>(node.stored(input).getType()).clone(*shape);
  Value output = qnn::buildElementwise(
      node.getBuilder(), node.getLoc(), "PRelu", type, stored,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        auto less = [&](Value q, quant::UniformQuantizedType type) {
          return f.sub(f.extend(q, !type.isSigned()), f.i32(type.getZeroPoint()));
        };
        Value v = less(s[0], x), factor = less(s[1], a);
        Value isPositive =
            f.make<arith::CmpIOp>(arith::CmpIPredicate::sge, v, f.i32(0));
        return f.toStorage(f.make<arith::SelectOp>(
                               isPositive, f.requantize(v, *same),
                               f.requantize(f.mul(v, factor), *scaled)),
                           y);
      });
  return node.setOutput(node.quantized(output));
}

ArrayRef<OpEntry> elementwiseOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::ADD, 2, 2, convertSum<qnn::AddOp, tflite::AddOptions>},
      {Op::SUB, 2, 2, convertSum<qnn::SubOp, tflite::SubOptions>},
      {Op::MUL, 2, 2, convertArithmetic<qnn::MulOp, tflite::MulOptions>},
      {Op::DIV, 2, 2, convertArithmetic<qnn::DivOp, tflite::DivOptions>},
      {Op::MAXIMUM, 2, 2, convertBinary<qnn::MaximumOp>},
      {Op::MINIMUM, 2, 2, convertBinary<qnn::MinimumOp>},
      {Op::POW, 2, 2, convertBinary<qnn::PowOp>},
      {Op::PRELU, 2, 2, convertParametricRelu},
      {Op::LOGISTIC, 1, 1, convertUnary<qnn::SigmoidOp>},
      {Op::TANH, 1, 1, convertUnary<qnn::TanhOp>},
      {Op::HARD_SWISH, 1, 1, convertUnary<qnn::HardSwishOp>},
      {Op::EXP, 1, 1, convertUnary<qnn::ExpOp>},
      {Op::LOG, 1, 1, convertUnary<qnn::LogOp>},
      {Op::SQRT, 1, 1, convertUnary<qnn::SqrtOp>},
      {Op::ABS, 1, 1, convertUnary<qnn::AbsOp>},
      {Op::NEG, 1, 1, convertUnary<qnn::NegOp>},
      {Op::LEAKY_RELU, 1, 1, convertLeakyRelu},
      {Op::RELU, 1, 1, convertUnary<qnn::ReluOp>},
      {Op::RELU6, 1, 1, [](NodeImporter &node) { return convertClamp(node, 0, 6); }},
      {Op::RELU_N1_TO_1, 1, 1,
       [](NodeImporter &node) { return convertClamp(node, -1, 1); }},
  };
  return entries;
}

} // namespace dyadic::tflite_import
