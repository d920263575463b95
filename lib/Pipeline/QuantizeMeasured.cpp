//===- QuantizeMeasured.cpp -----------------------------------------------===//
#include "QuantizeMeasured.h"

#include "ChooseObservers.h"
#include "MixSamples.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Support/UnusedConstants.h"

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

int64_t countMeasured(func::FuncOp func, const QuantizeChoices &choices, int64_t samples) {
  constexpr int64_t kProducts = int64_t(12) << 30, kLeast = 6, kMost = 48;
  // Weights of few bits lose much, and what is learned from more samples wins more back.
  int64_t times = choices.weights.empty() ? 1 : 2;
  int64_t count = std::min({samples, times * kMost,
                            times * kProducts / std::max<int64_t>(countProducts(func), 1)});
  return count < kLeast ? 0 : count;
}

/// The bits of a constant's elements, 32 for those of no quantized type.
static unsigned bitsOf(qnn::ConstantOp op) {
  if (auto coded = dyn_cast<coded::WeightsAttr>(op.getValue()))
    return coded.getBits();
  if (isa<coded::IntegersAttr>(op.getValue()))
    return 4;
  auto type = dyn_cast<quant::QuantizedType>(
      cast<RankedTensorType>(op.getOutput().getType()).getElementType());
  return type ? type.getStorageTypeIntegralWidth() : 32;
}

/// Whether some weights have so few values that learning how to round them pays.
static bool hasFewValues(ModuleOp module) {
  return module
      .walk([](qnn::ConstantOp op) {
        return bitsOf(op) < 8 ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// How many products the roundings of weights may be learned from, and elements of
/// tensors as large as the largest: all samples are in memory together.
constexpr int64_t kLearnProducts = int64_t(80) << 30, kLearnElements = int64_t(256) << 20;

/// `samples`, and mixtures of them as far as time and memory allow.
static SampleTensors withMixtures(func::FuncOp func, const SampleTensors &samples) {
  constexpr int64_t kMixtures = 12;
  int64_t products = std::max<int64_t>(countProducts(func), 1), largest = 1;
  func.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType());
          type && !op->hasTrait<OpTrait::ConstantLike>())
        largest = std::max(largest, type.getNumElements());
  });
  int64_t most = std::min(kLearnProducts / products, kLearnElements / largest);
  SampleTensors all = samples;
  for (int64_t seed = 1, count = samples.size(); seed <= kMixtures && (seed + 1) * count <= most;
       ++seed)
    llvm::append_range(all, mixSamples(samples, seed));
  return all;
}

/// How weights are rounded on samples for comparison with the nearest values.
static SmallVector<WeightRounding> roundingsToTry(WeightRounding asked, ModuleOp quantized,
                                                  Scheme scheme) {
  if (asked == WeightRounding::Nearest || asked == WeightRounding::AWQ)
    return {};
  if (asked != WeightRounding::Best)
    return {asked};
  // Large matrices, as those of weights alone often are, take long to learn.
  if (hasFewValues(quantized) && scheme != Scheme::WeightOnly)
    return {WeightRounding::GPTQ, WeightRounding::AdaRound};
  return {WeightRounding::GPTQ};
}

namespace {
/// A quantization of a network and what it costs.
struct Attempt {
  QuantizedPair pair;
  /// The network before its means were corrected.
  OwningOpRef<ModuleOp> plain;
  /// Of the network in float on the samples to learn from.
  RealMeans means;
  /// What its means were corrected over, or are where weights are rounded.
  MeansOver rows = MeansOver::Rows;
  /// On the samples that were held back, and on all of them.
  double heldBack = INFINITY, all = INFINITY;
};

/// Samples to learn from, samples to judge by, and what the float network makes of
/// both.
class Measurement {
public:
  Measurement(ModuleOp given, const QuantizeChoices &choices,
              const std::function<void(ModuleOp)> &mark)
      : given(given), choices(choices), mark(mark), constants(given.getContext(), given) {}

  LogicalResult prepare(const SampleTensors &samples);
  /// Changes the channels of `real`, for weights alone if `rounding` is AWQ; false if
  /// there was nothing to change.
  FailureOr<bool> evenOut(ModuleOp real, WeightRounding rounding) const;
  /// Releases the weights of what was tried before, but those of `best` and `other`.
  void release(const Attempt &best, ModuleOp other = nullptr) const;
  /// From now on those of the given network, too.
  void letGo() { given = nullptr; }
  /// Quantizes `real`, its means corrected where that helps.
  FailureOr<Attempt> quantize(OwningOpRef<ModuleOp> real) const;
  /// Takes other ranges for `best` if they are better on all samples and those held back.
  LogicalResult chooseRanges(Attempt &best, const CalibrationOptions &given) const;
  /// Rounds the weights on samples in each way to try; `asked` is taken if it is one.
  LogicalResult round(Attempt &best, WeightRounding asked) const;

private:
  /// The network of `best` with weights rounded on `samples`, and mixtures of them
  /// where weights have few values.
  FailureOr<OwningOpRef<ModuleOp>> roundOn(const Attempt &best, WeightRounding rounding,
                                           const SampleTensors &samples) const;

  ModuleOp given;
  const QuantizeChoices &choices;
  const std::function<void(ModuleOp)> &mark;
  UnusedConstants constants;
  SampleTensors learned, heldBack;
  DecidingTensors ofLearned, ofHeldBack;
};
} // namespace

void Measurement::release(const Attempt &best, ModuleOp other) const {
  // Who marks networks may keep copies of them.
  if (!mark)
    constants.release({given, best.pair.real.get(), best.pair.quantized.get(),
                       best.plain.get(), other});
}

LogicalResult Measurement::prepare(const SampleTensors &samples) {
  for (auto [i, inputs] : llvm::enumerate(samples))
    (i % 3 == 2 ? heldBack : learned).push_back(inputs);
  auto first = runOn(mainOf(given), learned), second = runOn(mainOf(given), heldBack);
  if (failed(first) || failed(second))
    return failure();
  ofLearned = std::move(*first);
  ofHeldBack = std::move(*second);
  return success();
}

FailureOr<bool> Measurement::evenOut(ModuleOp real, WeightRounding rounding) const {
  if (choices.scheme == Scheme::WeightOnly) {
    if (rounding != WeightRounding::AWQ)
      return false; // floats need none
    auto divided = equalizeForWeights(mainOf(real), learned, choices.weights);
    if (failed(divided))
      return failure();
    return *divided > 0;
  }
  auto tamed = tameOutliers(mainOf(real), learned);
  if (failed(tamed))
    return failure();
  release({}, real);
  return equalizeChannels(mainOf(real)) || *tamed;
}

FailureOr<Attempt> Measurement::quantize(OwningOpRef<ModuleOp> real) const {
  if (mark)
    mark(*real);
  OwningOpRef<ModuleOp> quantized = real->clone();
  if (failed(runPasses(*quantized, [&](OpPassManager &pm) {
        buildQuantizePipeline(pm, choices, /*equalize=*/false);
      })))
    return failure();
  auto plainError = outputError(mainOf(*quantized), heldBack, ofHeldBack);
  if (failed(plainError))
    return failure();
  constexpr double kWorthwhile = 0.75;
  Attempt attempt;
  attempt.heldBack = *plainError;
  attempt.plain = quantized->clone();
  attempt.pair = {std::move(real), std::move(quantized)};
  auto means = meansOf(mainOf(*attempt.pair.real), learned);
  if (failed(means))
    return failure();
  attempt.means = std::move(*means);
  std::optional<double> onLearned;
  for (MeansOver rows : {MeansOver::Rows, MeansOver::EvenRows}) {
    if (rows == MeansOver::EvenRows && !attempt.means.areRowsUneven())
      continue;
    OwningOpRef<ModuleOp> corrected = attempt.plain->clone();
    auto results = correctMeans(mainOf(*corrected), mainOf(*attempt.pair.real), learned,
                                attempt.means, rows);
    if (failed(results))
      return failure();
    auto error = outputError(mainOf(*corrected), heldBack, ofHeldBack);
    if (failed(error))
      return failure();
    // What counts rows differently is for where that is much of the error.
    if (*error < (rows == MeansOver::Rows ? 1 : kWorthwhile) * attempt.heldBack) {
      attempt.heldBack = *error;
      attempt.rows = rows;
      attempt.pair.quantized = std::move(corrected);
      onLearned = outputError(*results, ofLearned);
    }
  }
  if (!onLearned) {
    auto error = outputError(mainOf(*attempt.pair.quantized), learned, ofLearned);
    if (failed(error))
      return failure();
    onLearned = *error;
  }
  attempt.all = 2 * *onLearned + attempt.heldBack; // of two thirds and one
  return std::move(attempt);
}

FailureOr<OwningOpRef<ModuleOp>> Measurement::roundOn(const Attempt &best,
                                                      WeightRounding rounding,
                                                      const SampleTensors &samples) const {
  ModuleOp real = *best.pair.real;
  OwningOpRef<ModuleOp> rounded = best.plain.get().clone();
  auto round = [&](const SampleTensors &from, const RealMeans &means) {
    return correctMeans(mainOf(*rounded), mainOf(real), from, means, best.rows, rounding);
  };
  FailureOr<DecidingTensors> done = failure();
  if (bool mixed = hasFewValues(*rounded); mixed || &samples != &learned) {
    SampleTensors all = mixed ? withMixtures(mainOf(*rounded), samples) : samples;
    auto means = meansOf(mainOf(real), all, best.rows);
    if (succeeded(means))
      done = round(all, *means);
  } else {
    done = round(learned, best.means);
  }
  if (failed(done))
    return failure();
  return rounded;
}

LogicalResult Measurement::chooseRanges(Attempt &best, const CalibrationOptions &given) const {
  OwningOpRef<ModuleOp> real = best.pair.real->clone();
  auto isChosen = chooseObservers(*real, given, choices, learned, ofLearned);
  if (failed(isChosen) || !*isChosen)
    return failure(failed(isChosen));
  auto attempt = quantize(std::move(real));
  if (failed(attempt))
    return failure();
  if (attempt->heldBack < best.heldBack && attempt->all < best.all)
    best = std::move(*attempt);
  release(best);
  return success();
}

LogicalResult Measurement::round(Attempt &best, WeightRounding asked) const {
  SampleTensors all = learned;
  llvm::append_range(all, heldBack);
  std::optional<WeightRounding> taken;
  for (WeightRounding candidate : roundingsToTry(asked, *best.plain, choices.scheme)) {
    // What was asked for isn't judged.
    auto rounded = roundOn(best, candidate, candidate == asked ? all : learned);
    if (failed(rounded))
      return failure();
    auto error = outputError(mainOf(**rounded), heldBack, ofHeldBack);
    if (failed(error))
      return failure();
    if (candidate == asked || *error < best.heldBack) {
      best.heldBack = *error;
      best.pair.quantized = std::move(*rounded);
      taken = candidate;
    }
    release(best);
  }
  // Weights of few bits have more to gain from the third that judged than eight bits,
  // which aren't worth the time.
  if (!taken || *taken == asked || !hasFewValues(*best.plain))
    return success();
  auto rounded = roundOn(best, *taken, all);
  if (failed(rounded))
    return failure();
  best.pair.quantized = std::move(*rounded);
  return success();
}

FailureOr<QuantizedPair> quantizeMeasured(ModuleOp module, const SampleTensors &samples,
                                          const QuantizeChoices &choices,
                                          const CalibrationOptions &given,
                                          const std::function<void(ModuleOp)> &mark) {
  Measurement measurement(module, choices, mark);
  if (failed(measurement.prepare(samples)))
    return failure();
  OwningOpRef<ModuleOp> even = module.clone();
  auto isEvened = measurement.evenOut(*even, given.weightRounding);
  if (failed(isEvened))
    return failure();
  measurement.release({}, *even);
  Attempt best;
  for (bool evened : {true, false}) {
    if (evened && !*isEvened)
      continue;
    auto attempt = measurement.quantize(
        evened ? std::move(even) : OwningOpRef<ModuleOp>(module.clone()));
    if (failed(attempt))
      return failure();
    if (!best.pair.quantized || attempt->all < best.all)
      best = std::move(*attempt);
    measurement.release(best);
  }
  measurement.letGo();
  measurement.release(best);
  // The best so far is there whatever fails.
  best.pair.isComplete =
      (!given.chooseObservers || succeeded(measurement.chooseRanges(best, given))) &&
      succeeded(measurement.round(best, given.weightRounding));
  return std::move(best.pair);
}

} // namespace dyadic
