//===- Explain.cpp - from a model file to its explanation -----------------===//
#include "dyadic/Explain/Explain.h"

#include "Energy.h"

#include "dyadic/Pipeline/Program.h"
#include "dyadic/Support/Progress.h"
#include "dyadic/Target/Target.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

static LogicalResult report(Location loc, llvm::Error error) {
  return emitError(loc) << llvm::toString(std::move(error));
}

namespace {
/// What the float network returns for each sample.
struct Expected {
  std::vector<SmallVector<HostTensor>> samples, outputs;
};
} // namespace

/// Runs the float network on what was explained.
static FailureOr<Expected> runFloat(MLIRContext *context, CompileOptions compile,
                                    SampleStream &samples, int64_t count,
                                    ExitCode &fault) {
  compile.calibration.reset();
  compile.onCalibrated = nullptr;
  compile.mayBeFloat = true;
  Compilation compilation(context, compile);
  auto program = makeJITProgram(compilation);
  fault = compilation.fault();
  if (failed(program))
    return failure();
  Expected expected;
  for (int64_t i = 0; i < count; ++i) {
    auto sample = samples.read(i);
    if (!sample)
      return report(compilation.location(), sample.takeError());
    auto results = (*program)->run(*sample, nullptr);
    if (failed(results))
      return failure();
    expected.samples.push_back(std::move(*sample));
    expected.outputs.push_back(std::move(*results));
  }
  return expected;
}

/// The outputs' relative noise when compiled by `compile`.
static FailureOr<double> measureOutputs(MLIRContext *context, CompileOptions compile,
                                        const Expected &expected, ExitCode &fault) {
  compile.onCalibrated = nullptr;
  Compilation compilation(context, compile);
  auto program = makeJITProgram(compilation);
  fault = compilation.fault();
  if (failed(program))
    return failure();
  std::vector<Deviation> deviations(expected.outputs.front().size());
  for (auto [sample, outputs] : llvm::zip_equal(expected.samples, expected.outputs)) {
    auto results = (*program)->run(sample, nullptr);
    if (failed(results))
      return failure();
    for (auto [deviation, exact, got] : llvm::zip_equal(deviations, outputs, *results))
      if (exact.kind == ElementKind::F32)
        deviation.add(exact.as<float>(), got.as<float>());
  }
  double sum = 0;
  int64_t floats = 0;
  for (auto [deviation, output] : llvm::zip_equal(deviations, expected.outputs.front()))
    if (output.kind == ElementKind::F32) {
      sum += deviation.relativeNoise();
      ++floats;
    }
  return floats ? sum / floats : 0;
}

/// Compiles and measures what is advised for the worst layers, and float.
static LogicalResult tryRemedies(MLIRContext *context, const CompileOptions &compile,
                                 SampleStream &samples, int64_t tries,
                                 Explanation &explanation, ExitCode &fault) {
  auto expected = runFloat(context, compile, samples, explanation.samples, fault);
  if (failed(expected))
    return failure();
  ArrayRef<int64_t> worst = explanation.culprits;
  worst = worst.take_front(tries);
  double before = toDecibels(explanation.outputNoise());
  llvm::StringMap<double> known; // a remedy for all layers is tried once
  Progress progress("trying remedies", worst.size());
  for (int64_t number : worst) {
    Layer &layer = explanation.layers[number];
    SmallVector<Remedy> remedies{layer.remedy};
    if (layer.remedy.kind != Remedy::Kind::KeepFloat && !layer.isInput &&
        !layer.name.empty())
      remedies.push_back({Remedy::Kind::KeepFloat, layer.name, ""});
    for (const Remedy &remedy : remedies) {
      if (remedy.kind == Remedy::Kind::None)
        continue;
      auto [entry, isNew] = known.try_emplace(remedy.flag(), 0);
      if (isNew) {
        CompileOptions changed = compile;
        remedy.apply(changed);
        auto noise = measureOutputs(context, changed, *expected, fault);
        if (failed(noise))
          return failure();
        entry->second = toDecibels(*noise);
      }
      layer.trials.push_back({remedy.flag(), before, entry->second});
    }
    progress.advance();
  }
  return success();
}

FailureOr<Explanation> explain(MLIRContext *context, CompileOptions compile,
                               const ExplainOptions &options, ExitCode &fault) {
  fault = UsageError;
  Location loc = UnknownLoc::get(context);
  if (!compile.calibration)
    return emitError(loc) << "expected --calibrate PATH with samples";
  const CalibrationOptions &calibration = *compile.calibration;
  std::string input = options.input.empty() ? calibration.samples : options.input;
  if (input.empty() && calibration.arrays.empty())
    return emitError(loc) << "expected --input PATH with samples to explain on: there "
                             "are none in statistics";
  auto target = resolveTarget("native", loc);
  if (failed(target))
    return failure();
  // Errors are the same on every machine: they are measured on this one.
  compile.target = *target;
  compile.variants.clear();

  CompileOptions marked = compile;
  OwningOpRef<ModuleOp> calibrated;
  marked.onCalibrated = [&](ModuleOp module) {
    markLayers(module);
    calibrated = module.clone();
  };
  Compilation compilation(context, marked);
  LogicalResult done = compilation.advance(Level::Quantized);
  fault = compilation.fault();
  if (failed(done))
    return failure();
  fault = InputError;
  func::FuncOp main = calibrated->lookupSymbol<func::FuncOp>("main");
  auto samples = input.empty()
                     ? SampleStream::open(calibration.arrays, inputSpecs(main))
                     : SampleStream::open(input, inputSpecs(main), options.images);
  if (!samples)
    return report(loc, samples.takeError());
  auto explanation = explainModules(*calibrated, compilation.module(),
                                    compilation.options().rounding, **samples, options);
  if (failed(explanation))
    return failure();
  explanation->model = compile.model;
  estimateEnergy(*explanation);
  advise(*explanation, compile);
  if (options.tries > 0 && !explanation->outputs.empty() &&
      failed(tryRemedies(context, compile, **samples, options.tries, *explanation, fault)))
    return failure();
  return explanation;
}

} // namespace dyadic
