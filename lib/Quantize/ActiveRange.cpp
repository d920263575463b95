//===- ActiveRange.cpp - the part of a range that matters -----------------===//
#include "ActiveRange.h"

#include "TypePlan.h"
#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// The functions of one element, one behind the other, that alone read a value or
/// what only its elements are moved to: the lowering makes one table of them, or
/// they are float.
struct Chain {
  SmallVector<qnn::ElementwiseOpInterface> functions;
  bool isFloat = false;

  Chain(Value value, const FloatReasons &floatOps) {
    while (value.hasOneUse()) {
      Operation *user = *value.user_begin();
      auto quantizable = dyn_cast<qnn::QuantizableOpInterface>(user);
      if (!quantizable || !isComputation(user))
        return;
      if (argumentOfFunction(user) == value) {
        functions.push_back(cast<qnn::ElementwiseOpInterface>(user));
        isFloat |= floatOps.contains(user);
      } else if (quantizable.getQuantKind() != qnn::QuantKind::SameType) {
        return;
      }
      value = user->getResult(0);
    }
  }

  float evaluate(float x) {
    for (qnn::ElementwiseOpInterface function : functions) {
      SmallVector<float, 2> operands;
      for (Value operand : function->getOperands()) {
        FailureOr<HostTensor> number = readConstant(operand);
        operands.push_back(succeeded(number) ? number->get(0) : x);
      }
      x = function.evaluateAt(operands);
    }
    return x;
  }
};
} // namespace

/// How many values from the front stay within `tolerance` of each other.
template <typename Range>
static int constantPrefix(Range &&values, double tolerance) {
  double low = INFINITY, high = -INFINITY;
  int count = 0;
  for (double y : values) {
    low = std::min(low, y);
    high = std::max(high, y);
    if (!(high - low <= tolerance))
      break;
    ++count;
  }
  return count;
}

std::pair<double, double> dyadic::activeRange(Value value,
                                              const FloatReasons &floatOps,
                                              bool isSigned) {
  constexpr int kSamples = 2048;
  // Of a step of the function's result, or of that result if it is a float.
  constexpr double kTolerance = 0.25, kFloatTolerance = 1. / 256;
  qnn::RangeAttr range = calibratedRange(value);
  double min = range.getMin(), max = range.getMax();
  Chain chain(value, floatOps);
  if (chain.functions.empty() || !(min < max))
    return {min, max};
  qnn::RangeAttr end = calibratedRange(chain.functions.back()->getResult(0));
  if (!end)
    return {min, max};
  double step =
      activationType(value.getContext(), end.getMin(), end.getMax(), isSigned).getScale();
  double tolerance = (chain.isFloat ? kFloatTolerance : kTolerance) * step;
  auto x = [&](int i) { return min + (max - min) * i / (kSamples - 1); };
  SmallVector<double> y;
  for (int i = 0; i < kSamples; ++i)
    y.push_back(chain.evaluate(x(i)));
  int front = constantPrefix(y, tolerance);
  int back = constantPrefix(llvm::reverse(y), tolerance);
  // A constant function has no ends.
  if (front + back >= kSamples)
    return {min, max};
  return {front ? x(front - 1) : min, back ? x(kSamples - back) : max};
}
