//===- Trials.cpp ---------------------------------------------------------===//
#include "Trials.h"

#include "Probe.h"

#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace dyadic {

namespace {
/// A network that returns what effects are measured on.
struct Scoring {
  std::unique_ptr<Probe> probe;
  SmallVector<size_t> scores;

  static FailureOr<Scoring> create(ModuleOp module, StringRef rounding) {
    OwningOpRef<ModuleOp> copy = module.clone();
    auto main = copy->lookupSymbol<func::FuncOp>("main");
    Scoring scoring;
    Results results(main);
    for (size_t i : floatResults(main))
      scoring.scores.push_back(results.addScores(i));
    results.finish();
    auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
    if (failed(probe))
      return failure();
    scoring.probe = std::move(*probe);
    return std::move(scoring);
  }

  void run(ArrayRef<HostTensor> sample) {
    SmallVector<const void *> from;
    for (const HostTensor &tensor : sample)
      from.push_back(tensor.bytes.data());
    probe->run(from);
  }
};

/// Samples, and what the float network makes of them.
struct Expected {
  std::vector<SmallVector<HostTensor>> samples;
  std::vector<std::vector<HostTensor>> scores;
};
} // namespace

static FailureOr<Expected> runFloat(ModuleOp calibrated, SampleStream &samples,
                                    int64_t count) {
  auto network = Scoring::create(calibrated, "");
  if (failed(network))
    return failure();
  Expected expected;
  for (int64_t i = 0; i < count; ++i) {
    auto sample = samples.read(i);
    if (!sample)
      return emitError(UnknownLoc::get(calibrated.getContext()))
             << llvm::toString(sample.takeError());
    network->run(*sample);
    expected.scores.emplace_back();
    for (size_t number : network->scores)
      expected.scores.back().push_back(network->probe->result(number));
    expected.samples.push_back(std::move(*sample));
  }
  return expected;
}

/// Mean relative noise of a quantized network's scores.
static FailureOr<double> measure(ModuleOp quantized, StringRef rounding,
                                 const Expected &expected) {
  auto network = Scoring::create(quantized, rounding);
  if (failed(network))
    return failure();
  std::vector<Deviation> deviations(network->scores.size());
  for (auto [sample, scores] : llvm::zip_equal(expected.samples, expected.scores)) {
    network->run(sample);
    for (auto [deviation, exact, number] :
         llvm::zip_equal(deviations, scores, network->scores))
      deviation.add(exact.as<float>(), network->probe->floats(number));
  }
  double sum = 0;
  for (const Deviation &deviation : deviations)
    sum += deviation.relativeNoise();
  return sum / std::max<size_t>(deviations.size(), 1);
}

LogicalResult tryRemedies(ModuleOp calibrated, Compilation &compilation,
                          const CompileOptions &compile, SampleStream &samples,
                          int64_t tries, Explanation &explanation, ExitCode &fault) {
  auto expected = runFloat(calibrated, samples, explanation.samples);
  if (failed(expected))
    return failure();
  auto before = measure(compilation.module(), compile.rounding, *expected);
  if (failed(before))
    return failure();
  ArrayRef<int64_t> worst = explanation.culprits;
  worst = worst.take_front(tries);
  llvm::StringMap<double> known; // a remedy for all layers is tried once
  Progress progress("trying remedies", worst.size());
  for (int64_t number : worst) {
    Layer &layer = explanation.layers[number];
    for (const Remedy &remedy : {layer.remedy, layer.lastResort}) {
      if (remedy.kind == Remedy::Kind::None)
        continue;
      auto [entry, isNew] = known.try_emplace(remedy.flag(), 0);
      if (isNew) {
        CompileOptions changed = compile;
        remedy.apply(changed);
        Compilation again(calibrated.getContext(), changed);
        LogicalResult done = again.advance(Level::Quantized);
        fault = again.fault();
        if (failed(done))
          return failure();
        auto noise = measure(again.module(), compile.rounding, *expected);
        if (failed(noise))
          return failure();
        entry->second = *noise;
      }
      layer.trials.push_back(
          {remedy.flag(), toDecibels(*before), toDecibels(entry->second)});
    }
    progress.advance();
  }
  return success();
}

} // namespace dyadic
