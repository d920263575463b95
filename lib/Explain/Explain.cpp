//===- Explain.cpp - from a model file to its explanation -----------------===//
#include "dyadic/Explain/Explain.h"

#include "Energy.h"
#include "Latency.h"
#include "Setup.h"
#include "Trials.h"

using namespace mlir;

namespace dyadic {

FailureOr<Explanation> explain(MLIRContext *context, CompileOptions compile,
                               const ExplainOptions &options, ExitCode &fault) {
  fault = UsageError;
  Location loc = UnknownLoc::get(context);
  if (!compile.calibration &&
      (compile.quantize.scheme == Scheme::Static || options.input.empty()))
    return emitError(loc) << "expected --calibrate PATH with samples";
  const CalibrationOptions calibration = compile.calibration.value_or(CalibrationOptions());
  std::string input = options.input.empty() ? calibration.samples : options.input;
  if (input.empty() && calibration.arrays.empty())
    return emitError(loc) << "expected --input PATH with samples to explain on: there "
                             "are none in statistics";
  if (failed(targetThisMachine(compile, loc)))
    return failure();

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
  auto samples = openSamples(options.input, options.images, calibration, main);
  if (failed(samples))
    return failure();
  auto explanation = explainModules(*calibrated, compilation.module(),
                                    compilation.options().rounding, **samples, options);
  if (failed(explanation))
    return failure();
  explanation->model = compile.model;
  if (compile.calibration)
    explanation->observer =
        calibration.chooseObservers ? "auto" : toString(calibration.observer);
  estimateEnergy(*explanation);
  if (options.timesLayers) {
    auto first = (*samples)->read(0);
    if (!first)
      return emitError(loc) << llvm::toString(first.takeError());
    // What was explained compiles, unless all of it is to be integers.
    bool integerOnly = compilation.options().quantize.integerOnly;
    fault = integerOnly ? InputError : InternalError;
    if (failed(measureLatency(*calibrated, compilation.module(),
                              compilation.options().rounding, integerOnly, *first, *explanation)))
      return failure();
  }
  advise(*explanation, compile);
  if (options.tries > 0 && !explanation->outputs.empty() &&
      failed(tryRemedies(*calibrated, compilation, compile, **samples, options.tries,
                         *explanation, fault)))
    return failure();
  return explanation;
}

} // namespace dyadic
