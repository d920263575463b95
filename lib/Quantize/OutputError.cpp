//===- OutputError.cpp - how far a quantized network is off ---------------===//
#include "JoinedChains.h"

#include "dyadic/Quantize/Recover.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Threading.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// What a result is decided by: functions that saturate, behind which most errors
/// are nothing and a few are all, and movements are looked through.
static Value decidingValue(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<qnn::SoftmaxOp, qnn::SigmoidOp, qnn::HardSigmoidOp, qnn::TanhOp, qnn::ReshapeOp,
             qnn::TransposeOp, quant::DequantizeCastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The reals that a tensor of `type` stands for.
static SmallVector<double, 0> realsOf(Type type, const HostTensor &tensor) {
  auto quantized =
      dyn_cast<quant::UniformQuantizedType>(cast<RankedTensorType>(type).getElementType());
  double scale = quantized ? quantized.getScale() : 1;
  double zeroPoint = quantized ? quantized.getZeroPoint() : 0;
  SmallVector<double, 0> reals(tensor.numElements());
  for (auto [i, x] : llvm::enumerate(reals))
    x = (tensor.get(i) - zeroPoint) * scale;
  return reals;
}

FailureOr<DecidingTensors> dyadic::runOn(func::FuncOp func, const SampleTensors &samples) {
  JoinedChains chains(func);
  SmallVector<Value> wanted = llvm::map_to_vector(
      func.getBody().front().getTerminator()->getOperands(), decidingValue);
  DecidingTensors all(samples.size());
  auto run = [&](size_t s) {
    all[s].resize(wanted.size());
    return interpret(func, samples[s], [&](Value value, const HostTensor &tensor) {
      for (auto [i, want] : llvm::enumerate(wanted))
        if (value == want)
          all[s][i] = realsOf(value.getType(), tensor);
    });
  };
  if (failed(failableParallelForEachN(func.getContext(), 0, samples.size(), run)))
    return failure();
  return all;
}

FailureOr<double> dyadic::outputError(func::FuncOp func, const SampleTensors &samples,
                                      const DecidingTensors &expected) {
  auto got = runOn(func, samples);
  if (failed(got))
    return failure();
  size_t count = func.getNumResults();
  SmallVector<double> errors(count, 0), powers(count, 0);
  for (auto [mine, right] : llvm::zip_equal(*got, expected))
    for (size_t r = 0; r < count; ++r)
      for (auto [x, y] : llvm::zip(mine[r], right[r])) {
        errors[r] += (x - y) * (x - y);
        powers[r] += y * y;
      }
  double sum = 0;
  for (auto [error, power] : llvm::zip_equal(errors, powers))
    sum += power > 0 ? error / power : error;
  return std::isfinite(sum) ? sum / std::max<size_t>(count, 1) : INFINITY;
}
