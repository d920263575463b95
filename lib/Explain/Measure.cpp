//===- Measure.cpp - each layer's error and what it does ------------------===//
//
// Three compiled networks run on every sample. The first is in float and shows
// each layer's result, and the same with the layer's stored constants: its own
// error. The second is the quantized network. The third is the float one with an
// input of its own behind each layer, added to the layer's result: zeros, but for
// the layer whose error's effect on the outputs is asked for.
//
//===----------------------------------------------------------------------===//
#include "Layers.h"
#include "Probe.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Support/Progress.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic {

namespace {
/// Rounds to a type and back.
struct Rounding {
  float scale, inverse, zeroPoint, qmin, qmax;

  explicit Rounding(quant::UniformQuantizedType type)
      : scale(type.getScale()), inverse(1 / type.getScale()),
        zeroPoint(type.getZeroPoint()), qmin(type.getStorageTypeMin()),
        qmax(type.getStorageTypeMax()) {}
  float low() const { return (qmin - zeroPoint) * scale; }
  float high() const { return (qmax - zeroPoint) * scale; }
  float operator()(float x) const {
    float q = roundHalfEven(x * inverse) + zeroPoint;
    return (std::min(std::max(q, qmin), qmax) - zeroPoint) * scale;
  }
};

/// Where a layer's tensors come out of the compiled networks; −1: nowhere.
struct Taps {
  int64_t exact = -1, constants = -1, quantized = -1, injection = -1;
};

/// Measured while samples run, for one layer.
struct Counts {
  double signal = 0, weights = 0, clipping = 0, rounding = 0;
  int64_t values = 0, clipped = 0;
};

class Measurement {
public:
  Measurement(ModuleOp calibrated, ModuleOp quantized, StringRef rounding,
              const ExplainOptions &options)
      : calibrated(calibrated), quantized(quantized), rounding(rounding),
        options(options) {}

  LogicalResult prepare();
  LogicalResult run(SampleStream &samples);
  Explanation take();

private:
  LogicalResult makeExact();
  LogicalResult makeQuantized();
  LogicalResult makeInjected();
  void measure(ArrayRef<HostTensor> sample);
  void measureLayer(size_t i, ArrayRef<HostTensor> sample);
  void measureEffects(ArrayRef<HostTensor> sample, Progress &progress);
  bool makesError(size_t i) const {
    return taps[i].constants >= 0 || (pairs[i].type && !layers[i].isMovement);
  }
  ArrayRef<float> exactOf(size_t i, ArrayRef<HostTensor> sample) const {
    if (auto argument = dyn_cast<BlockArgument>(pairs[i].exact))
      return sample[argument.getArgNumber()].as<float>();
    return exact->floats(taps[i].exact);
  }
  /// What the layer makes of the float network's tensors, in `buffer`.
  ArrayRef<float> ownOf(size_t i, ArrayRef<float> real);

  ModuleOp calibrated, quantized;
  StringRef rounding;
  const ExplainOptions &options;
  Explanation found;
  std::vector<Layer> &layers = found.layers;
  std::vector<LayerPair> pairs;
  std::vector<Taps> taps;
  std::vector<Counts> counts;
  /// Sums, over samples and outputs, of the relative noise of one layer's error.
  std::vector<double> effects;
  std::unique_ptr<Probe> exact, approximate, injected;
  std::vector<float> buffer, cut, error;
  std::vector<char> zeros;
  /// The numbers of the f32 results, and in each network of what effects are measured
  /// on.
  SmallVector<size_t> outputs, exactScores, approximateScores, injectedScores;
};
} // namespace

static func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

LogicalResult Measurement::prepare() {
  func::FuncOp main = mainOf(calibrated);
  if (lengthsOf(main))
    return main.emitError("expected fixed shapes to explain, but a length is left "
                          "open: give it with --shape");
  pairs = matchLayers(main, mainOf(quantized), layers);
  taps.resize(pairs.size());
  counts.resize(pairs.size());
  effects.resize(pairs.size());
  outputs = floatResults(main);
  for (size_t i : outputs) {
    auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr);
    auto type = cast<RankedTensorType>(main.getResultTypes()[i]);
    found.outputs.push_back(
        {name ? name.str() : "", SmallVector<int64_t>(type.getShape()), {}, std::nullopt});
  }
  return failure(failed(makeExact()) || failed(makeQuantized()) ||
                 failed(makeInjected()));
}

LogicalResult Measurement::makeExact() {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(calibrated->clone(mapping));
  Results results(mainOf(*copy));
  for (auto [pair, tap] : llvm::zip_equal(pairs, taps)) {
    if (!pair.exactOp)
      continue;
    tap.exact = results.add(mapping.lookup(pair.exact));
    auto stored = withStoredConstants(pair, mapping);
    if (failed(stored))
      return failure();
    if (*stored)
      tap.constants = results.add(*stored);
  }
  for (auto [report, number] : llvm::zip_equal(found.outputs, outputs)) {
    exactScores.push_back(results.addScores(number));
    if (exactScores.back() != number)
      report.scores.emplace();
  }
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
  if (failed(probe))
    return failure();
  exact = std::move(*probe);
  return success();
}

LogicalResult Measurement::makeQuantized() {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(quantized->clone(mapping));
  Results results(mainOf(*copy));
  for (auto [pair, tap] : llvm::zip_equal(pairs, taps)) {
    if (!pair.quantizedOp && !pair.type)
      continue;
    Value value = pair.quantized;
    // What an input becomes is seen behind its border.
    if (!pair.quantizedOp)
      for (Operation *user : value.getUsers())
        if (auto border = dyn_cast<quant::QuantizeCastOp>(user)) {
          value = border.getResult();
          break;
        }
    tap.quantized = results.add(mapping.lookup(value));
  }
  for (size_t number : outputs)
    approximateScores.push_back(results.addScores(number));
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
  if (failed(probe))
    return failure();
  approximate = std::move(*probe);
  return success();
}

LogicalResult Measurement::makeInjected() {
  if (outputs.empty() || options.effectSamples < 1)
    return success();
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(calibrated->clone(mapping));
  func::FuncOp main = mainOf(*copy);
  int64_t largest = 0;
  for (auto [i, pair] : llvm::enumerate(pairs)) {
    if (!makesError(i))
      continue;
    Value value = mapping.lookup(pair.exact);
    auto type = cast<RankedTensorType>(value.getType());
    taps[i].injection = main.getNumArguments();
    if (failed(main.insertArgument(taps[i].injection, type, {}, main.getLoc())))
      return failure();
    Value error = main.getArgument(taps[i].injection);
    OpBuilder builder(main.getContext());
    builder.setInsertionPointAfterValue(value);
    Value sum = qnn::AddOp::create(builder, value.getLoc(), type, value, error);
    llvm::SmallPtrSet<Operation *, 8> readers;
    for (Operation *user : pair.exact.getUsers()) {
      bool isReturn = user->hasTrait<OpTrait::IsTerminator>();
      auto reader = llvm::find_if(pairs, [&](const LayerPair &other) {
        return other.exactOp == user;
      });
      bool isInteger = reader != pairs.end() && layers[reader - pairs.begin()].isInteger;
      if (!pair.forIntegersOnly || isInteger)
        readers.insert(isReturn ? main.getBody().front().getTerminator()
                                : mapping.lookup(user));
    }
    value.replaceUsesWithIf(sum, [&](OpOperand &use) {
      return readers.contains(use.getOwner());
    });
    largest = std::max<int64_t>(largest, 4 * type.getNumElements());
  }
  zeros.resize(largest);
  Results results(main);
  for (size_t number : outputs)
    injectedScores.push_back(results.addScores(number));
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/false);
  if (failed(probe))
    return failure();
  injected = std::move(*probe);
  return success();
}

ArrayRef<float> Measurement::ownOf(size_t i, ArrayRef<float> real) {
  ArrayRef<float> base =
      taps[i].constants >= 0 ? exact->floats(taps[i].constants) : real;
  if (!pairs[i].type || layers[i].isMovement)
    return base;
  Rounding round(pairs[i].type);
  buffer.resize(base.size());
  for (auto [to, x] : llvm::zip_equal(buffer, base))
    to = round(x);
  return buffer;
}

void Measurement::measureLayer(size_t i, ArrayRef<HostTensor> sample) {
  const LayerPair &pair = pairs[i];
  Layer &layer = layers[i];
  if (!pair.quantized || (!pair.quantizedOp && !pair.type))
    return;
  ArrayRef<float> real = exactOf(i, sample), own = ownOf(i, real);
  layer.values.observe(real);
  Counts &count = counts[i];
  count.values += real.size();
  if (pair.type && !layer.isMovement) {
    Rounding round(pair.type);
    float step = round.scale / 2, infinity = std::numeric_limits<float>::infinity();
    // Where the type holds less than calibration asked for, the op behind doesn't
    // tell what is outside apart: it is no error.
    bool cutsLow = layer.calibrated && round.low() > layer.calibrated->min + step;
    bool cutsHigh = layer.calibrated && round.high() < layer.calibrated->max - step;
    float low = cutsLow ? round.low() : -infinity, high = cutsHigh ? round.high() : infinity;
    if (cutsLow || cutsHigh) {
      cut.resize(real.size());
      for (auto [to, x] : llvm::zip_equal(cut, real))
        to = std::min(std::max(x, low), high);
      real = cut;
    }
    ArrayRef<float> base =
        taps[i].constants >= 0 ? exact->floats(taps[i].constants) : real;
    for (size_t k = 0, e = real.size(); k < e; ++k) {
      if (!std::isfinite(real[k]) || !std::isfinite(base[k]))
        continue;
      auto inside = [&](float x) { return std::min(std::max(x, round.low()), round.high()); };
      double x = real[k], weights = double(inside(base[k])) - inside(real[k]);
      double rounded = double(own[k]) - inside(base[k]);
      double clipping = inside(real[k]) - x;
      count.signal += x * x;
      count.weights += weights * weights;
      count.rounding += rounded * rounded;
      count.clipping += clipping * clipping;
      count.clipped += x < round.low() - step || x > round.high() + step;
    }
  }
  ArrayRef<float> together = approximate->floats(taps[i].quantized);
  layer.own.add(real, own);
  layer.inherited.add(own, together);
  layer.total.add(real, together);
}

void Measurement::measure(ArrayRef<HostTensor> sample) {
  SmallVector<const void *> from;
  for (const HostTensor &tensor : sample)
    from.push_back(tensor.bytes.data());
  exact->run(from);
  approximate->run(from);
  for (auto [i, report] : llvm::enumerate(found.outputs)) {
    report.error.add(exact->floats(outputs[i]), approximate->floats(outputs[i]));
    if (report.scores)
      report.scores->add(exact->floats(exactScores[i]),
                         approximate->floats(approximateScores[i]));
  }
  for (size_t i = 0; i < layers.size(); ++i)
    measureLayer(i, sample);
}

void Measurement::measureEffects(ArrayRef<HostTensor> sample, Progress &progress) {
  SmallVector<const void *> from;
  for (const HostTensor &tensor : sample)
    from.push_back(tensor.bytes.data());
  from.resize(injected->info().inputs.size(), zeros.data());
  injected->run(from);
  std::vector<HostTensor> reference;
  for (size_t number : injectedScores)
    reference.push_back(injected->result(number));
  for (size_t i = 0; i < layers.size(); ++i) {
    if (taps[i].injection < 0)
      continue;
    ArrayRef<float> real = exactOf(i, sample), own = ownOf(i, real);
    error.resize(real.size());
    for (size_t k = 0; k < error.size(); ++k)
      error[k] = own[k] - real[k];
    from[taps[i].injection] = error.data();
    injected->run(from);
    from[taps[i].injection] = zeros.data();
    for (auto [before, number] : llvm::zip_equal(reference, injectedScores)) {
      Deviation deviation;
      deviation.add(before.as<float>(), injected->floats(number));
      effects[i] += deviation.relativeNoise();
    }
    progress.advance();
  }
}

LogicalResult Measurement::run(SampleStream &samples) {
  found.samples = std::min(samples.size(), options.samples);
  found.effectSamples = injected ? std::min(found.samples, options.effectSamples) : 0;
  int64_t injections =
      llvm::count_if(taps, [](const Taps &tap) { return tap.injection >= 0; });
  Progress progress("explaining", found.samples + found.effectSamples * injections);
  for (int64_t i = 0; i < found.samples; ++i) {
    auto sample = samples.read(i);
    if (!sample)
      return emitError(UnknownLoc::get(calibrated.getContext()))
             << llvm::toString(sample.takeError());
    measure(*sample);
    if (i < found.effectSamples)
      measureEffects(*sample, progress);
    progress.advance();
  }
  return success();
}

Explanation Measurement::take() {
  double sum = 0;
  for (double effect : effects)
    sum += effect;
  double runs = double(outputs.size()) * found.effectSamples;
  for (auto [i, layer] : llvm::enumerate(layers)) {
    const Counts &count = counts[i];
    layer.clipped = count.values ? double(count.clipped) / count.values : 0;
    if (count.signal > 0) {
      layer.weightNoise = count.weights / count.signal;
      layer.clippingNoise = count.clipping / count.signal;
      layer.roundingNoise = count.rounding / count.signal;
    }
    if (!makesError(i))
      continue;
    found.culprits.push_back(i);
    if (runs == 0)
      continue;
    layer.effect = effects[i] / runs;
    layer.share = sum > 0 ? effects[i] / sum : 0;
  }
  auto key = [&](int64_t i) {
    return std::make_tuple(layers[i].effect.value_or(0), layers[i].own.relativeNoise(), -i);
  };
  llvm::sort(found.culprits, [&](int64_t a, int64_t b) { return key(a) > key(b); });
  return std::move(found);
}

FailureOr<Explanation> explainModules(ModuleOp calibrated, ModuleOp quantized,
                                      StringRef rounding, SampleStream &samples,
                                      const ExplainOptions &options) {
  Measurement measurement(calibrated, quantized, rounding, options);
  if (failed(measurement.prepare()) || failed(measurement.run(samples)))
    return failure();
  return measurement.take();
}

} // namespace dyadic
