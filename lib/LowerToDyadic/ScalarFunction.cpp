//===- ScalarFunction.cpp - chains of functions of one element ------------===//
#include "ScalarFunction.h"

#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

/// The number that `value` is, if it is a constant of one element.
static std::optional<float> numberOf(Value value) {
  auto tensor = cast<RankedTensorType>(value.getType());
  Operation *producer = value.getDefiningOp();
  if (!producer || !producer->hasTrait<OpTrait::ConstantLike>() ||
      tensor.getNumElements() != 1)
    return std::nullopt;
  FailureOr<HostTensor> constant = readConstant(value);
  if (failed(constant))
    return std::nullopt;
  if (auto type = dyn_cast<ActivationType>(tensor.getElementType()))
    return (constant->get(0) - type.getZeroPoint()) * type.getScale();
  return constant->get(0);
}

static std::optional<ScalarFunction::Step> asStep(Operation *op) {
  auto function = dyn_cast_or_null<qnn::ElementwiseOpInterface>(op);
  if (!function || !isa<qnn::QuantizableOpInterface>(op))
    return std::nullopt;
  ScalarFunction::Step step{function, {}, op->getNumOperands()};
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    auto number = numberOf(operand);
    step.operands.push_back(number.value_or(0));
    if (number)
      continue;
    if (step.variable != op->getNumOperands() ||
        cast<RankedTensorType>(operand.getType()).getShape() !=
            cast<RankedTensorType>(op->getResult(0).getType()).getShape())
      return std::nullopt;
    step.variable = i;
  }
  if (step.variable == op->getNumOperands())
    return std::nullopt;
  return step;
}

std::optional<ScalarFunction> ScalarFunction::endingAt(Operation *op) {
  ScalarFunction function;
  auto step = asStep(op);
  if (!step)
    return std::nullopt;
  while (step) {
    function.input = step->op->getOperand(step->variable);
    function.steps.push_back(std::move(*step));
    step.reset();
    auto type = cast<RankedTensorType>(function.input.getType());
    if (function.input.hasOneUse() && isa<ActivationType>(type.getElementType()))
      step = asStep(function.input.getDefiningOp());
  }
  std::reverse(function.steps.begin(), function.steps.end());
  return function;
}

float ScalarFunction::evaluate(float x) const {
  for (const Step &step : steps) {
    SmallVector<float, 2> operands = step.operands;
    operands[step.variable] = x;
    auto op = step.op;
    x = op.evaluateAt(operands);
  }
  return x;
}

ElementsAttr ScalarFunction::tabulate(ActivationType from,
                                      ActivationType to) const {
  HostTensor table(to.isSigned() ? ElementKind::I8 : ElementKind::U8, {256});
  int32_t first = from.isSigned() ? -128 : 0;
  for (int32_t i = 0; i < 256; ++i) {
    double y = evaluate(dequantize(
        first + i, static_cast<float>(from.getScale()), from.getZeroPoint()));
    // An element that the function isn't defined for means nothing.
    table.bytes[i] = static_cast<char>(storageOf(y == y ? y : 0.0, to));
  }
  return makeConstant(std::move(table), input.getContext());
}
