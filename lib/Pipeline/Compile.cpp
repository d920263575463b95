//===- Compile.cpp --------------------------------------------------------===//
#include "dyadic/Pipeline/Compile.h"

#include "CheckLengths.h"
#include "CheckOptions.h"
#include "CheckPatterns.h"
#include "QuantizeMeasured.h"

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Emit/Artifact.h"
#include "dyadic/Emit/Passes.h"
#include "dyadic/Emit/Variants.h"
#include "dyadic/Pipeline/FloatRunner.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/UnusedConstants.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/TargetParser/Triple.h"

#include <chrono>

using namespace mlir;

namespace dyadic {

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

LogicalResult runPasses(ModuleOp module,
                        llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  // What a tool's user asked for with MLIR's flags; fails where there are none.
  (void)applyPassManagerCLOptions(pm);
  applyDefaultTimingPassManagerCLOptions(pm);
  build(pm);
  return pm.run(module);
}

LogicalResult checkThreads(const CompileOptions &options, Location loc) {
  constexpr int64_t most = 256;
  int64_t count = options.threads.count;
  if (count < 1 || count > most)
    return emitError(loc) << "threads: expected 1 to " << most << ", but got "
                          << count;
  llvm::Triple triple(options.target.triple);
  bool canRun = triple.isOSLinux() && (triple.isX86_64() || triple.isAArch64());
  if (count == 1 || canRun)
    return success();
  return emitError(loc) << "threads: expected 1 for '" << options.target.triple
                        << "', but got " << count
                        << ": several are for x86-64 and AArch64 Linux";
}

CompileOptions CompileOptions::inFloat() const {
  CompileOptions real = *this;
  real.calibration.reset();
  real.quantize = QuantizeChoices();
  real.patterns.clear();
  real.mayBeFloat = true;
  return real;
}

Compilation::Compilation(MLIRContext *context, CompileOptions options)
    : context(context), opts(std::move(options)) {}
Compilation::~Compilation() = default;

func::FuncOp Compilation::main() {
  return current->lookupSymbol<func::FuncOp>("main");
}

LogicalResult Compilation::run(llvm::function_ref<void(OpPassManager &)> build) {
  // The model was accepted: what fails from here on is ours.
  blame = InternalError;
  return runPasses(*current, build);
}

LogicalResult Compilation::advance(Level wanted) {
  while (level < wanted) {
    Level next = static_cast<Level>(static_cast<int>(level) + 1);
    LogicalResult result = success();
    UnusedConstants constants(context, current ? *current : ModuleOp());
    switch (next) {
    case Level::Float:
      result = import();
      break;
    case Level::Quantized:
      result = calibrateAndQuantize();
      break;
    case Level::Integer:
      if (isQuantized())
        result = lowerToIntegers();
      break;
    case Level::Kernels:
      result = lowerToKernels();
      break;
    case Level::Loops:
      result = generateCode();
      break;
    case Level::LLVM:
      blame = InternalError;
      result = lowerToLLVMDialect(*current);
      break;
    case Level::None:
      break;
    }
    if (failed(result))
      return failure();
    level = next;
    // Who looks at the network while it is calibrated may keep a copy of it.
    if (!opts.onCalibrated)
      constants.release({*current, fallback ? *fallback : ModuleOp()});
  }
  return success();
}

LogicalResult Compilation::generateCode() {
  auto generate = [&](ModuleOp module, const TargetInfo &target,
                      StringRef suffix = "") {
    LogicalResult result = runPasses(module, [&](OpPassManager &pm) {
      buildCodegenPipeline(pm, target, program.name + suffix.str(), opts.threads);
    });
    program.arenaBytes = std::max(program.arenaBytes, readArenaBytes(module));
    return result;
  };
  // CPUs have kernels for all ops; what GPUs have none for is named.
  blame = opts.target.target->isGPU() ? InputError : InternalError;
  if (opts.withFallback) {
    fallback = current->clone();
    if (failed(generate(*fallback, opts.gpu.host, "_cpu")))
      return failure();
  }
  if (opts.variants.empty()) {
    if (failed(generate(*current, opts.target)))
      return failure();
  } else {
    std::vector<OwningOpRef<ModuleOp>> modules;
    for (const TargetInfo &variant : opts.variants) {
      modules.emplace_back(current->clone());
      if (failed(generate(*modules.back(), variant)))
        return failure();
    }
    auto merged =
        mergeVariants(modules, variantNames(opts.variants), program.name);
    if (failed(merged))
      return failure();
    current = std::move(*merged);
  }
  program.weightBytes = readWeightBytes(*current);
  return success();
}

LogicalResult Compilation::write(StringRef path, const EmitOptions &options) {
  if (failed(advance(Level::Loops)))
    return failure();
  blame = InputError;
  return writeArtifact(*current, program, options, path);
}

EmitOptions Compilation::emitOptions() {
  EmitOptions options;
  options.target = opts.target;
  options.variants = opts.variants;
  options.threads = opts.threads.count;
  options.gpu = opts.gpu;
  options.gpu.keepAll = opts.fuse.keepAll;
  if (opts.withFallback)
    options.gpu.fallback = *fallback;
  return options;
}

LogicalResult Compilation::import() {
  double start = now();
  auto importWith = [&](const ONNXImportOptions &options) {
    return opts.modelBytes
               ? importModel({*opts.modelBytes, opts.model}, opts.folder, options, context)
               : importModel(opts.model, options, context);
  };
  auto imported = importWith(opts.import);
  if (failed(imported))
    return failure();
  current = std::move(*imported);
  if (lengthsOf(main()) && failed(checkLengths(importWith)))
    return failure();
  comesQuantized = main()->hasAttr(kRoundingAttr);
  if (comesQuantized && opts.calibration)
    return emitError(current->getLoc())
           << "expected no calibration samples: the model is quantized already";
  if (comesQuantized && opts.quantize.scheme != Scheme::Static)
    return emitError(current->getLoc())
           << "expected no other scheme than the model's, which is quantized "
              "already, but got "
           << nameOf(opts.quantize.scheme);
  // What was quantized is as it should be: its arithmetic is the file's.
  if (!comesQuantized &&
      (failed(run(buildSimplifyPipeline)) || failed(annotateCounts(main()))))
    return failure();
  report.importSeconds = now() - start;
  return success();
}

/// Imports the model for its shortest length, and for one in the middle, to see
/// that it is the same but for extents.
LogicalResult Compilation::checkLengths(
    llvm::function_ref<FailureOr<OwningOpRef<ModuleOp>>(const ONNXImportOptions &)>
        importWith) {
  auto shapes = DynamicShapes::infer(main());
  if (failed(shapes))
    return failure();
  int64_t count = shapes->lengths().count();
  for (int64_t index : {int64_t(0), count / 2}) {
    if (index == count - 1)
      continue;
    ONNXImportOptions fixed = opts.import;
    for (auto &open : fixed.open)
      fixed.shapes[open.first()][open.second.dim] = shapes->lengths().at(index);
    fixed.open.clear();
    auto other = importWith(fixed);
    if (failed(other) ||
        failed(checkLength(main(), *shapes,
                           (*other)->lookupSymbol<func::FuncOp>("main"), index)))
      return failure();
  }
  return success();
}

/// The interpreter as a runner.
static auto interpreterOf(func::FuncOp func) {
  return [func](ArrayRef<HostTensor> inputs, ObserveFn observe) -> LogicalResult {
    return interpret(func, inputs, [&](Value value, const HostTensor &tensor) {
      if (!isa<BlockArgument>(value) && tensor.kind == ElementKind::F32)
        observe(value, tensor.as<float>());
    });
  };
}

/// Whether there are samples, and not only statistics of such.
static bool hasSamples(const CalibrationOptions &given) {
  return !given.samples.empty() || !given.arrays.empty();
}

FailureOr<std::unique_ptr<SampleStream>> Compilation::openSamples() {
  const CalibrationOptions &given = *opts.calibration;
  auto samples =
      given.samples.empty()
          ? SampleStream::open(given.arrays, inputSpecs(main()))
          : SampleStream::open(given.samples, inputSpecs(main()), given.images);
  if (!samples)
    return emitError(location()) << llvm::toString(samples.takeError());
  return std::move(*samples);
}

FailureOr<NetworkStatistics> Compilation::runSamples() {
  const CalibrationOptions &given = *opts.calibration;
  func::FuncOp func = main();
  auto samples = openSamples();
  if (failed(samples))
    return failure();
  if (given.interpret && lengthsOf(func))
    return func.emitError("expected fixed shapes for the interpreter, but a length is "
                          "left open");
  if (given.interpret)
    return collectStatistics(func, **samples, interpreterOf(func), observers());
  // The weights as its kernels read them are a second copy of them all.
  UnusedConstants constants(context);
  FailureOr<NetworkStatistics> seen = failure();
  {
    blame = InternalError;
    auto runner = FloatRunner::create(*current);
    if (failed(runner))
      return failure();
    blame = InputError;
    seen = collectStatistics(func, **samples, **runner, observers());
  }
  constants.release({*current});
  return seen;
}

SmallVector<ObserverOptions> Compilation::observers() {
  return observersOf(main(), opts.calibration->observer, opts.calibration->observers);
}

FailureOr<NetworkStatistics> Compilation::statistics() {
  const CalibrationOptions &given = *opts.calibration;
  NetworkStatistics all = noStatistics(main(), observers());
  blame = InputError;
  for (const std::string &path : given.statistics) {
    auto loaded = NetworkStatistics::load(path);
    if (!loaded)
      return emitError(location()) << llvm::toString(loaded.takeError());
    if (auto error = all.merge(*loaded))
      return emitError(location()) << path << ": " << llvm::toString(std::move(error));
  }
  if (hasSamples(given) || given.statistics.empty()) {
    auto seen = runSamples();
    if (failed(seen))
      return failure();
    llvm::cantFail(all.merge(*seen)); // they are of this network
  }
  if (!all.tensors.empty())
    report.samples = all.tensors.front().statistics.samples();
  return all;
}

/// Whether a model says of any tensor how it is quantized.
static bool hasBorders(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        return qnn::isBorder(op) ? WalkResult::interrupt()
                                 : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult Compilation::adoptQuantization() {
  if (comesQuantized || !hasBorders(*current))
    return success();
  if (failed(run(buildAdoptPipeline)))
    return failure();
  // Where only weights were quantized, they are reals now. All integer ops are
  // between borders: a graph begins and ends with floats or storage.
  comesQuantized = hasBorders(*current);
  bool hasScheme = opts.quantize.scheme != Scheme::Static;
  if (!comesQuantized || (!opts.calibration && !hasScheme))
    return success();
  blame = UsageError;
  StringRef option = hasScheme ? "--scheme" : "--calibrate";
  return emitError(location())
         << option << ": the model comes quantized, with scales of its own; what "
         << "it leaves in float can't be quantized beside them: leave out " << option;
}

LogicalResult Compilation::calibrateAndQuantize() {
  if (failed(adoptQuantization()))
    return failure();
  if (auto rounding = main()->getAttrOfType<StringAttr>(kRoundingAttr))
    report.rounding = opts.rounding.empty() ? rounding.str() : opts.rounding;
  else if (isQuantized())
    report.rounding = opts.rounding.empty() ? "nearest_even" : opts.rounding;
  if (!opts.calibration && opts.quantize.scheme == Scheme::Static) {
    blame = UsageError;
    if (!opts.mayBeFloat && !comesQuantized)
      return emitError(location())
             << "expected --calibrate PATH with samples, --scheme dynamic, which needs "
                "none, or --float: the model isn't quantized";
    if (failed(checkNothingIsChosen(opts, comesQuantized, location())))
      return failure();
    countOps(*current, report);
    return success();
  }
  double start = now();
  blame = UsageError;
  if (failed(checkOptions(opts, location())))
    return failure();
  blame = InputError;
  if (failed(checkPatterns(main(), opts)))
    return failure();
  if (opts.calibration) {
    auto collected = statistics();
    if (failed(collected) ||
        failed(writeRanges(main(), *collected, chooseRanges(*collected, observers()))))
      return failure();
  }
  report.calibrationSeconds = now() - start;
  if (failed(quantize()))
    return failure();
  countOps(*current, report);
  return success();
}

LogicalResult Compilation::quantize() {
  // Without samples or statistics there is nothing to recover by.
  const CalibrationOptions given = opts.calibration.value_or(CalibrationOptions());
  if (opts.calibration && given.recovery != Recovery::None && canShiftInputs(opts.quantize) &&
      !lengthsOf(main()))
    shiftInputs(main(), opts.quantize.keepFloat);
  SampleTensors measured;
  if (given.recovery == Recovery::Measured && hasSamples(given) && !lengthsOf(main())) {
    auto samples = openSamples();
    if (failed(samples))
      return failure();
    // From all of them: they may be sorted.
    int64_t count = countMeasured(main(), opts.quantize, (*samples)->size());
    for (int64_t i = 0; i < count; ++i) {
      auto inputs = (*samples)->read(i * (*samples)->size() / count);
      if (!inputs)
        return emitError(location()) << llvm::toString(inputs.takeError());
      measured.push_back(std::move(*inputs));
    }
  }
  bool wantsObservers = opts.calibration && given.chooseObservers;
  if (wantsObservers && measured.empty()) {
    blame = UsageError;
    return emitError(location())
           << "--observer auto: expected --recover measured and a few samples of fixed "
              "shapes, by which ranges are compared";
  }
  std::string why;
  if (!measured.empty()) {
    FailureOr<QuantizedPair> best = failure();
    {
      ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
        if (why.empty())
          why = diagnostic.str();
      });
      best = quantizeMeasured(*current, measured, opts.quantize, given, opts.onCalibrated);
    }
    if (succeeded(best)) {
      if (!best->isComplete)
        emitWarning(location()) << "ranges and weights weren't chosen by measuring: " << why;
      if (opts.onCalibrated)
        opts.onCalibrated(*best->real);
      current = std::move(best->quantized);
      return success();
    }
  }
  if (opts.calibration && given.recovery != Recovery::None)
    equalizeChannels(main());
  if (opts.onCalibrated)
    opts.onCalibrated(*current);
  LogicalResult done = run([&](OpPassManager &pm) {
    buildQuantizePipeline(pm, opts.quantize, /*equalize=*/false);
  });
  // A network that was accepted can be quantized: only names can be wrong.
  if (failed(done) && !opts.quantize.weights.empty())
    blame = UsageError;
  // Not every network that can be compiled must have an interpreter.
  if (succeeded(done) && !why.empty())
    emitWarning(location()) << "accuracy wasn't measured: " << why;
  return done;
}

LogicalResult Compilation::lowerToIntegers() {
  bool integerOnly = opts.quantize.integerOnly;
  LogicalResult lowered = run([&](OpPassManager &pm) {
    buildLowerToDyadicPipeline(pm, opts.rounding, integerOnly);
  });
  if (integerOnly)
    blame = InputError; // the network may have what only floats do
  if (succeeded(lowered) && isQuantized())
    settleFloatOps(*current, report);
  return lowered;
}

LogicalResult Compilation::lowerToKernels() {
  FuseOptions fuse = opts.fuse;
  fuse.views &= !opts.target.target->isGPU();
  if (failed(run([&](OpPassManager &pm) { buildFusePipeline(pm, fuse); })))
    return failure();
  auto info = readProgramInfo(*current, opts.name);
  if (failed(info))
    return failure();
  program = std::move(*info);
  return success();
}

FailureOr<std::unique_ptr<JITProgram>> Compilation::load() {
  if (failed(advance(Level::Loops)))
    return failure();
  blame = InternalError;
  return JITProgram::create(*current, program, emitOptions());
}

} // namespace dyadic
