//===- Measure.cpp - each layer's error and what it does ------------------===//
#include "Networks.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>
#include <tuple>

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

/// Measured while samples run, for one layer.
struct Counts {
  double signal = 0, weights = 0, clipping = 0, rounding = 0;
  int64_t values = 0, clipped = 0;
};

class Measurement {
public:
  explicit Measurement(const ExplainOptions &options) : options(options) {}

  LogicalResult prepare(ModuleOp calibrated, ModuleOp quantized, StringRef rounding);
  LogicalResult run(SampleStream &samples, Location loc);
  /// Says which layers are integers once lowered.
  LogicalResult settle(ModuleOp quantized, StringRef rounding);
  Explanation take();

private:
  void measure(ArrayRef<HostTensor> sample);
  void measureLayer(size_t i, ArrayRef<HostTensor> sample);
  void measureParts(size_t i, ArrayRef<float> real, ArrayRef<float> own);
  void measureEffects(ArrayRef<HostTensor> sample, Progress &progress);
  /// What the layer makes of the float network's tensors, in `buffer`.
  ArrayRef<float> ownOf(size_t i, ArrayRef<float> real);
  /// The float result less what the type leaves out on purpose, in `cut`.
  ArrayRef<float> neededOf(size_t i, ArrayRef<float> real);

  const ExplainOptions &options;
  Explanation found;
  std::vector<Layer> &layers = found.layers;
  Networks networks;
  std::vector<Counts> counts;
  /// For each layer, what its error does to each output.
  std::vector<std::vector<Deviation>> effects;
  std::vector<float> buffer, cut, error;
  std::vector<char> zeros;
};
} // namespace

LogicalResult Measurement::prepare(ModuleOp calibrated, ModuleOp quantized,
                                   StringRef rounding) {
  auto made = Networks::create(calibrated, quantized, rounding,
                               options.effectSamples > 0, layers);
  if (failed(made))
    return failure();
  networks = std::move(*made);
  counts.resize(layers.size());
  effects.resize(layers.size(), std::vector<Deviation>(networks.outputs.size()));
  zeros.resize(networks.largestInjection);
  auto main = calibrated.lookupSymbol<func::FuncOp>("main");
  for (auto [number, scores] : llvm::zip_equal(networks.outputs, networks.exactScores)) {
    auto name = main.getResultAttrOfType<StringAttr>(number, kNameAttr);
    auto type = cast<RankedTensorType>(main.getResultTypes()[number]);
    OutputReport report;
    report.name = name ? name.str() : "";
    report.shape.assign(type.getShape().begin(), type.getShape().end());
    if (scores != number)
      report.scores.emplace();
    found.outputs.push_back(std::move(report));
  }
  return success();
}

ArrayRef<float> Measurement::ownOf(size_t i, ArrayRef<float> real) {
  ArrayRef<float> base = networks.withConstantsOf(i, real);
  if (!networks.rounds[i])
    return base;
  Rounding round(networks.pairs[i].type);
  buffer.resize(base.size());
  for (auto [to, x] : llvm::zip_equal(buffer, base))
    to = round(x);
  return buffer;
}

ArrayRef<float> Measurement::neededOf(size_t i, ArrayRef<float> real) {
  if (!networks.rounds[i] || !layers[i].calibrated)
    return real;
  // Where the type holds less than calibration asked for, the op behind doesn't
  // tell what is outside apart: it is no error.
  Rounding round(networks.pairs[i].type);
  float step = round.scale / 2, infinity = std::numeric_limits<float>::infinity();
  float low = round.low() > layers[i].calibrated->min + step ? round.low() : -infinity;
  float high = round.high() < layers[i].calibrated->max - step ? round.high() : infinity;
  if (low == -infinity && high == infinity)
    return real;
  cut.resize(real.size());
  for (auto [to, x] : llvm::zip_equal(cut, real))
    to = std::min(std::max(x, low), high);
  return cut;
}

/// Divides the error into that of constants, of values outside of the range, and of
/// rounding.
void Measurement::measureParts(size_t i, ArrayRef<float> real, ArrayRef<float> own) {
  Rounding round(networks.pairs[i].type);
  Counts &count = counts[i];
  ArrayRef<float> base = networks.withConstantsOf(i, real);
  auto inside = [&](float x) {
    return std::min(std::max(x, round.low()), round.high());
  };
  float step = round.scale / 2;
  for (size_t k = 0, e = real.size(); k < e; ++k) {
    double x = real[k];
    if (!std::isfinite(x) || !std::isfinite(base[k]))
      continue;
    double weights = double(inside(base[k])) - inside(real[k]);
    double rounding = double(own[k]) - inside(base[k]), clipping = inside(real[k]) - x;
    count.signal += x * x;
    count.weights += weights * weights;
    count.rounding += rounding * rounding;
    count.clipping += clipping * clipping;
    count.clipped += x < round.low() - step || x > round.high() + step;
  }
}

void Measurement::measureLayer(size_t i, ArrayRef<HostTensor> sample) {
  if (networks.taps[i].quantized < 0)
    return;
  Layer &layer = layers[i];
  ArrayRef<float> real = networks.exactOf(i, sample), own = ownOf(i, real);
  layer.values.observe(real);
  counts[i].values += real.size();
  real = neededOf(i, real);
  if (networks.rounds[i])
    measureParts(i, real, own);
  ArrayRef<float> together = networks.approximate->floats(networks.taps[i].quantized);
  layer.own.add(real, own);
  layer.inherited.add(own, together);
  layer.total.add(real, together);
}

void Measurement::measure(ArrayRef<HostTensor> sample) {
  SmallVector<const void *> from;
  for (const HostTensor &tensor : sample)
    from.push_back(tensor.bytes.data());
  networks.exact->run(from);
  networks.approximate->run(from);
  for (auto [i, report] : llvm::enumerate(found.outputs)) {
    report.error.add(networks.exact->floats(networks.outputs[i]),
                     networks.approximate->floats(networks.outputs[i]));
    if (report.scores)
      report.scores->add(networks.exact->floats(networks.exactScores[i]),
                         networks.approximate->floats(networks.approximateScores[i]));
  }
  for (size_t i = 0; i < layers.size(); ++i)
    measureLayer(i, sample);
}

void Measurement::measureEffects(ArrayRef<HostTensor> sample, Progress &progress) {
  SmallVector<const void *> from;
  for (const HostTensor &tensor : sample)
    from.push_back(tensor.bytes.data());
  from.resize(networks.injected->info().inputs.size(), zeros.data());
  networks.injected->run(from);
  std::vector<HostTensor> reference;
  for (size_t number : networks.injectedScores)
    reference.push_back(networks.injected->result(number));
  for (size_t i = 0; i < layers.size(); ++i) {
    if (networks.taps[i].injection < 0)
      continue;
    ArrayRef<float> real = networks.exactOf(i, sample), own = ownOf(i, real);
    error.resize(real.size());
    for (size_t k = 0; k < error.size(); ++k)
      error[k] = own[k] - real[k];
    from[networks.taps[i].injection] = error.data();
    networks.injected->run(from);
    from[networks.taps[i].injection] = zeros.data();
    for (auto [deviation, before, number] :
         llvm::zip_equal(effects[i], reference, networks.injectedScores))
      deviation.add(before.as<float>(), networks.injected->floats(number));
    progress.advance();
  }
}

LogicalResult Measurement::run(SampleStream &samples, Location loc) {
  found.samples = std::min(samples.size(), options.samples);
  found.effectSamples =
      networks.injected ? std::min(found.samples, options.effectSamples) : 0;
  int64_t injections = llvm::count_if(
      networks.taps, [](const Networks::Taps &tap) { return tap.injection >= 0; });
  Progress progress("explaining", found.samples + found.effectSamples * injections);
  for (int64_t i = 0; i < found.samples; ++i) {
    auto sample = samples.read(i);
    if (!sample)
      return emitError(loc) << llvm::toString(sample.takeError());
    measure(*sample);
    if (i < found.effectSamples)
      measureEffects(*sample, progress);
    progress.advance();
  }
  return success();
}

LogicalResult Measurement::settle(ModuleOp quantized, StringRef rounding) {
  OwningOpRef<ModuleOp> lowered = quantized.clone();
  if (failed(runPasses(*lowered, [&](OpPassManager &pm) {
        buildLowerToDyadicPipeline(pm, rounding.str());
      })))
    return failure();
  settleLayers(*lowered, networks.pairs, layers);
  return success();
}

Explanation Measurement::take() {
  double sum = 0;
  for (auto [i, layer] : llvm::enumerate(layers)) {
    const Counts &count = counts[i];
    layer.clipped = count.values ? double(count.clipped) / count.values : 0;
    if (count.signal > 0) {
      layer.weightNoise = count.weights / count.signal;
      layer.clippingNoise = count.clipping / count.signal;
      layer.roundingNoise = count.rounding / count.signal;
    }
    if (!networks.makesError(i))
      continue;
    found.culprits.push_back(i);
    if (found.effectSamples == 0)
      continue;
    double effect = 0;
    for (const Deviation &deviation : effects[i])
      effect += deviation.relativeNoise() / networks.outputs.size();
    layer.effect = effect;
    sum += effect;
  }
  for (Layer &layer : layers)
    layer.share = layer.effect && sum > 0 ? *layer.effect / sum : 0;
  auto key = [&](int64_t i) {
    return std::make_tuple(layers[i].effect.value_or(0), layers[i].own.relativeNoise(), -i);
  };
  llvm::sort(found.culprits, [&](int64_t a, int64_t b) { return key(a) > key(b); });
  return std::move(found);
}

FailureOr<Explanation> explainModules(ModuleOp calibrated, ModuleOp quantized,
                                      StringRef rounding, SampleStream &samples,
                                      const ExplainOptions &options) {
  Measurement measurement(options);
  if (failed(measurement.prepare(calibrated, quantized, rounding)) ||
      failed(measurement.run(samples, UnknownLoc::get(calibrated.getContext()))) ||
      failed(measurement.settle(quantized, rounding)))
    return failure();
  return measurement.take();
}

} // namespace dyadic
