//===- QuantizeMeasured.cpp -----------------------------------------------===//
#include "QuantizeMeasured.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/Pipelines.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

static func::FuncOp mainOf(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

static int64_t elements(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

/// Multiplications of one run.
static int64_t countProducts(func::FuncOp func) {
  int64_t sum = 0;
  func.walk([&](Operation *op) {
    if (auto conv = dyn_cast<qnn::Conv2DOp>(op))
      sum += elements(conv.getOutput()) * elements(conv.getFilter()) /
             cast<RankedTensorType>(conv.getFilter().getType()).getDimSize(0);
    else if (auto matmul = dyn_cast<qnn::MatmulOp>(op))
      sum += elements(matmul.getOutput()) *
             cast<RankedTensorType>(matmul.getLhs().getType()).getShape().back();
  });
  return sum;
}

int64_t countMeasured(func::FuncOp func, int64_t samples) {
  constexpr int64_t kProducts = int64_t(12) << 30, kLeast = 6, kMost = 48;
  int64_t count = std::min({samples, kMost, kProducts / std::max<int64_t>(countProducts(func), 1)});
  return count < kLeast ? 0 : count;
}

/// Whether some weights have so few values that learning how to round them pays.
static bool hasFewValues(ModuleOp module) {
  return module
      .walk([](qnn::ConstantOp op) {
        auto type = dyn_cast<quant::QuantizedType>(
            cast<RankedTensorType>(op.getOutput().getType()).getElementType());
        return type && type.getStorageTypeIntegralWidth() < 8 ? WalkResult::interrupt()
                                                              : WalkResult::advance();
      })
      .wasInterrupted();
}

/// How weights are rounded on samples for comparison with the nearest values.
static SmallVector<WeightRounding> roundingsToTry(WeightRounding asked, ModuleOp quantized) {
  if (asked == WeightRounding::Nearest)
    return {};
  if (asked != WeightRounding::Best)
    return {asked};
  if (hasFewValues(quantized))
    return {WeightRounding::GPTQ, WeightRounding::AdaRound};
  return {WeightRounding::GPTQ};
}

FailureOr<QuantizedPair> quantizeMeasured(ModuleOp module, const SampleTensors &samples,
                                          const QuantizeChoices &choices,
                                          WeightRounding rounding,
                                          const std::function<void(ModuleOp)> &mark) {
  SampleTensors learned, heldBack;
  for (auto [i, inputs] : llvm::enumerate(samples))
    (i % 3 == 2 ? heldBack : learned).push_back(inputs);
  auto ofLearned = runOn(mainOf(module), learned), ofHeldBack = runOn(mainOf(module), heldBack);
  if (failed(ofLearned) || failed(ofHeldBack))
    return failure();

  QuantizedPair best;
  // The best one as it was before its means were corrected, and its errors.
  OwningOpRef<ModuleOp> plain;
  double least = INFINITY, heldBackError = INFINITY;
  for (bool equalize : {true, false}) {
    OwningOpRef<ModuleOp> real = module.clone();
    if (equalize && choices.scheme == Scheme::WeightOnly)
      continue; // floats need no evening out
    if (equalize) {
      auto tamed = tameOutliers(mainOf(*real), learned);
      if (failed(tamed))
        return failure();
      if (!equalizeChannels(mainOf(*real)) && !*tamed)
        continue;
    }
    if (mark)
      mark(*real);
    OwningOpRef<ModuleOp> quantized = real->clone();
    if (failed(runPasses(*quantized, [&](OpPassManager &pm) {
          buildQuantizePipeline(pm, choices, /*equalize=*/false);
        })))
      return failure();
    OwningOpRef<ModuleOp> corrected = quantized->clone();
    if (failed(correctMeans(mainOf(*corrected), mainOf(*real), learned)))
      return failure();
    auto before = outputError(mainOf(*quantized), heldBack, *ofHeldBack),
         after = outputError(mainOf(*corrected), heldBack, *ofHeldBack);
    if (failed(before) || failed(after))
      return failure();
    bool helps = *after < *before;
    OwningOpRef<ModuleOp> &better = helps ? corrected : quantized;
    auto error = outputError(mainOf(*better), learned, *ofLearned);
    if (failed(error))
      return failure();
    double all = 2 * *error + std::min(*before, *after); // of two thirds and one
    if (!best.quantized || all < least) {
      least = all;
      heldBackError = std::min(*before, *after);
      plain = helps ? std::move(quantized) : better->clone();
      best = {std::move(real), std::move(better)};
    }
  }
  for (WeightRounding candidate : roundingsToTry(rounding, *plain)) {
    OwningOpRef<ModuleOp> rounded = plain->clone();
    if (failed(correctMeans(mainOf(*rounded), mainOf(*best.real), learned, candidate)))
      return failure();
    auto error = outputError(mainOf(*rounded), heldBack, *ofHeldBack);
    if (failed(error))
      return failure();
    if (candidate == rounding || *error < heldBackError) {
      heldBackError = *error;
      best.quantized = std::move(rounded);
    }
  }
  return best;
}

} // namespace dyadic
