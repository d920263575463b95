//===- OutputError.cpp - how far a quantized network is off ---------------===//
#include "Decisions.h"
#include "JoinedChains.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Threading.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace dyadic;

Decisions::Decision::Decision(Value result) : value(result) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<qnn::SoftmaxOp, qnn::SigmoidOp, qnn::HardSigmoidOp, qnn::TanhOp, qnn::ReshapeOp,
             qnn::TransposeOp, quant::DequantizeCastOp>(op))
      break;
    if (isa<qnn::SigmoidOp, qnn::HardSigmoidOp, qnn::TanhOp>(op))
      limit = isa<qnn::TanhOp>(op) ? 4 : 8;
    value = op->getOperand(0);
  }
}

Decisions::Decisions(func::FuncOp func, const SampleTensors &samples)
    : masked(func, samples), found(samples.size()) {
  for (Value result : func.getBody().front().getTerminator()->getOperands())
    wanted.emplace_back(result);
  for (auto &tensors : found)
    tensors.resize(wanted.size());
}

/// The reals that a tensor of `type` stands for, cut to ±`limit`, those of rows that
/// aren't `counted` 0.
static SmallVector<double, 0> realsOf(Type type, const HostTensor &tensor, double limit,
                                      const llvm::BitVector *counted) {
  auto quantized =
      dyn_cast<quant::UniformQuantizedType>(cast<RankedTensorType>(type).getElementType());
  double scale = quantized ? quantized.getScale() : 1;
  double zeroPoint = quantized ? quantized.getZeroPoint() : 0;
  SmallVector<double, 0> reals(tensor.numElements());
  for (auto [i, x] : llvm::enumerate(reals))
    if (!counted || counted->test(i / tensor.shape.back()))
      x = std::clamp((tensor.get(i) - zeroPoint) * scale, -limit, limit);
  return reals;
}

void Decisions::observe(size_t sample, Value value, const HostTensor &tensor) {
  for (const auto &[i, want] : llvm::enumerate(wanted))
    if (value == want.value)
      found[sample][i] =
          realsOf(value.getType(), tensor, want.limit, masked.of(sample, tensor.shape));
}

FailureOr<DecidingTensors> dyadic::runOn(func::FuncOp func, const SampleTensors &samples) {
  JoinedChains chains(func);
  Decisions decisions(func, samples);
  auto run = [&](size_t s) {
    return interpret(func, samples[s], [&](Value value, const HostTensor &tensor) {
      decisions.observe(s, value, tensor);
    });
  };
  if (failed(failableParallelForEachN(func.getContext(), 0, samples.size(), run)))
    return failure();
  return decisions.take();
}

double dyadic::outputError(const DecidingTensors &got, const DecidingTensors &expected) {
  // A few samples are many times as far off as all others, a symbol of a line that tips
  // over, and which they are is chance: a sum would be theirs alone. A geometric mean
  // would not see them at all.
  size_t count = expected.empty() ? 0 : expected.front().size();
  if (count == 0)
    return 0;
  double sum = 0;
  for (size_t r = 0; r < count; ++r) {
    SmallVector<double> errors, powers;
    for (auto [mine, right] : llvm::zip_equal(got, expected)) {
      double error = 0, power = 0;
      for (auto [x, y] : llvm::zip(mine[r], right[r])) {
        error += (x - y) * (x - y);
        power += y * y;
      }
      errors.push_back(error);
      powers.push_back(power);
    }
    double power = std::accumulate(powers.begin(), powers.end(), 0.0) / powers.size();
    // Samples that are all zero count as the mean one does.
    for (auto [error, own] : llvm::zip_equal(errors, powers))
      error /= own > 0 ? own : power > 0 ? power : 1;
    double roots = 0;
    for (double error : errors)
      roots += std::sqrt(error);
    sum += std::pow(roots / errors.size(), 2);
  }
  return std::isfinite(sum) ? sum / count : INFINITY;
}

FailureOr<double> dyadic::outputError(func::FuncOp func, const SampleTensors &samples,
                                      const DecidingTensors &expected) {
  auto got = runOn(func, samples);
  if (failed(got))
    return failure();
  return outputError(*got, expected);
}
