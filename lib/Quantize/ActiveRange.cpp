//===- ActiveRange.cpp - the part of a range that matters -----------------===//
#include "ActiveRange.h"

#include "TypePlan.h"
#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// The functions of one element, one behind the other, that alone read a value:
/// the lowering makes one table of them.
struct Chain {
  SmallVector<qnn::ElementwiseOpInterface> functions;

  Chain(Value value, const FloatReasons &floatOps) {
    while (value.hasOneUse()) {
      Operation *user = *value.user_begin();
      if (!isComputation(user) || floatOps.contains(user) ||
          argumentOfFunction(user) != value)
        return;
      functions.push_back(cast<qnn::ElementwiseOpInterface>(user));
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
      x = function.evaluate(operands);
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
  constexpr double kTolerance = 0.25; // of a step of the function's result
  qnn::RangeAttr range = calibratedRange(value);
  double min = range.getMin(), max = range.getMax();
  Chain chain(value, floatOps);
  if (chain.functions.empty() || !(min < max))
    return {min, max};
  qnn::RangeAttr end = calibratedRange(chain.functions.back()->getResult(0));
  if (!end)
    return {min, max};
  double tolerance = kTolerance * activationType(value.getContext(), end.getMin(),
                                                 end.getMax(), isSigned)
                                      .getScale();
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
